package main

import (
	"log"
	"math"
	"sort"
	"strings"
	"time"
)

// Keys gives resources that an order names numbers from 1 on; what it does not name has 0.
type Keys struct {
	byText map[string]int32
	byName [kinds][]int32
}

// Of resources as type URL and name, a line break between them.
func (fleet *Fleet) keysOf(resources []string) *Keys {
	keys := &Keys{byText: map[string]int32{}}
	for _, each := range resources {
		if _, known := keys.byText[each]; known {
			continue
		}
		number := int32(len(keys.byText) + 1)
		keys.byText[each] = number
		typeURL, name, _ := strings.Cut(each, "\n")
		kind := kindOf(typeURL)
		id := fleet.names[kind].lookUp([]byte(name))
		numbers := keys.byName[kind]
		if missing := int(id) + 1 - len(numbers); missing > 0 {
			numbers = append(numbers, make([]int32, missing)...)
		}
		numbers[id] = number
		keys.byName[kind] = numbers
	}
	return keys
}

func kindOf(typeURL string) Kind {
	for kind, each := range typeURLs {
		if each == typeURL {
			return Kind(kind)
		}
	}
	log.Fatalf("no resource has the type %q", typeURL)
	return 0
}

func (keys *Keys) number(kind Kind, name int32) int32 {
	if numbers := keys.byName[kind]; int(name) < len(numbers) {
		return numbers[name]
	}
	return 0
}

// Record is what is noted from a moment on.
type Record struct {
	from int64
	keys *Keys
}

// Change is one of many: when it was made, in µs since the epoch, and what it puts.
type Change struct {
	At        int64    `json:"at"`
	Resources []string `json:"resources"`
}

// Arrival is a resource that came, so many µs after the beginning of the record.
type Arrival struct {
	key   int32
	after int32
}

// Lags are so long, in ms, over all changes and streams; missing: never came.
type Lags struct {
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	Max       float64 `json:"max"`
	Count     int64   `json:"count"`
	Missing   int64   `json:"missing"`
	Responses int64   `json:"responses"`
}

// Of a histogram: a tenth of a millisecond, up to ten seconds.
const (
	bucket  = 100
	buckets = 100_000
)

func (fleet *Fleet) startWatch(resources []string) {
	fleet.watch = fleet.keysOf(resources)
	fleet.times = nil
	for _, client := range fleet.clients {
		client.seen = make([]bool, len(fleet.watch.byText)+1)
		client.missing = len(fleet.watch.byText)
	}
}

func (fleet *Fleet) startRecord(resources []string) {
	fleet.record = &Record{from: time.Now().UnixMicro(), keys: fleet.keysOf(resources)}
	for _, client := range fleet.clients {
		client.noted, client.counted = client.noted[:0], 0
	}
}

func (client *Client) arrived(kind Kind, name int32) {
	fleet := client.fleet
	if fleet.record != nil {
		if key := fleet.record.keys.number(kind, name); key > 0 {
			client.noted = append(client.noted, Arrival{key, int32(client.now - fleet.record.from)})
		}
	}
	if client.missing == 0 {
		return
	}
	if key := fleet.watch.number(kind, name); key > 0 && !client.seen[key] {
		client.seen[key] = true
		client.missing--
		if client.missing == 0 {
			fleet.came(client.now)
		}
	}
}

// By stream, only those that were sent anything: how many responses, and when the last resource came, in µs since the epoch.
func (fleet *Fleet) recorded() any {
	type touched struct {
		Stream    int   `json:"stream"`
		Responses int64 `json:"responses"`
		Last      int64 `json:"last"`
		Resources int   `json:"resources"`
	}
	all := []touched{}
	for _, client := range fleet.clients {
		if client.counted == 0 {
			continue
		}
		each := touched{Stream: client.id, Responses: client.counted, Resources: len(client.noted)}
		if len(client.noted) > 0 {
			each.Last = fleet.record.from + int64(client.noted[len(client.noted)-1].after)
		}
		all = append(all, each)
	}
	return map[string]any{"streams": all}
}

// A change has come when its resource comes next, whether that is due to it or to one that was made after it.
func (fleet *Fleet) lags(changes []Change, first int) Lags {
	record := fleet.record
	var lags Lags
	histogram := make([]int64, buckets+1)
	times := make([][]int32, len(record.keys.byText)+1)
	for _, client := range fleet.clients[first:] {
		lags.Responses += client.counted
		for key := range times {
			times[key] = times[key][:0]
		}
		for _, each := range client.noted {
			times[each.key] = append(times[each.key], each.after)
		}
		for _, change := range changes {
			for _, resource := range change.Resources {
				at := int32(change.At - record.from)
				came := times[record.keys.byText[resource]]
				index := sort.Search(len(came), func(index int) bool { return came[index] >= at })
				lags.Count++
				if index == len(came) {
					lags.Missing++
					continue
				}
				lag := came[index] - at
				histogram[min(lag/bucket, buckets)]++
				lags.Max = math.Max(lags.Max, float64(lag)/1000)
			}
		}
	}
	lags.P50, lags.P99 = quantile(histogram, lags.Count, 0.5), quantile(histogram, lags.Count, 0.99)
	return lags
}

// The upper end of the bucket; more than ten seconds where too many never came.
func quantile(histogram []int64, count int64, share float64) float64 {
	left := int64(math.Ceil(float64(count) * share))
	for index, here := range histogram {
		if left -= here; left <= 0 {
			return float64(index+1) * bucket / 1000
		}
	}
	return float64(buckets+1) * bucket / 1000
}
