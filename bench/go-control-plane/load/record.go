package main

import (
	"context"
	"math"
	"net"
	"sort"
	"sync/atomic"
	"time"
)

// Change is one of many: when it was made, in µs since the epoch, and what it puts.
type Change struct {
	At        int64    `json:"at"`
	Resources []string `json:"resources"`
}

// Record is what is noted from a moment on.
type Record struct {
	from int64
	keys map[string]int32
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

// Not while anything is under way: clients are not locked.
func (fleet *Fleet) startRecord(resources []string) {
	record := &Record{from: time.Now().UnixMicro(), keys: map[string]int32{}}
	for _, each := range resources {
		record.keys[each] = int32(len(record.keys))
	}
	for _, client := range fleet.clients {
		client.noted, client.counted = client.noted[:0], 0
	}
	fleet.record.Store(record)
}

func (client *Client) note(response Response, now int64) {
	record := client.fleet.record.Load()
	if record == nil {
		return
	}
	atomic.AddInt64(&client.counted, 1)
	prefix := response.typeURL + "\n"
	for _, each := range response.resources {
		if key, known := record.keys[prefix+string(each.name)]; known {
			client.noted = append(client.noted, Arrival{key, int32(now - record.from)})
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
	from := fleet.record.Load().from
	for _, client := range fleet.clients {
		if responses := atomic.LoadInt64(&client.counted); responses > 0 {
			each := touched{Stream: client.id, Responses: responses, Resources: len(client.noted)}
			if len(client.noted) > 0 {
				each.Last = from + int64(client.noted[len(client.noted)-1].after)
			}
			all = append(all, each)
		}
	}
	return map[string]any{"streams": all}
}

// A change has come when its resource comes next, whether that is due to it or to one that was made after it.
func (fleet *Fleet) lags(changes []Change, first int) Lags {
	record := fleet.record.Load()
	var lags Lags
	histogram := make([]int64, buckets+1)
	for _, client := range fleet.clients[first:] {
		lags.Responses += atomic.LoadInt64(&client.counted)
		times := map[int32][]int32{}
		for _, each := range client.noted {
			times[each.key] = append(times[each.key], each.after)
		}
		for _, change := range changes {
			for _, resource := range change.Resources {
				at := int32(change.At - record.from)
				came := times[record.keys[resource]]
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

// A connection whose bytes can be left in the socket.
type stallable struct {
	net.Conn
	client *Client
}

func (conn stallable) Read(into []byte) (int, error) {
	count, err := conn.Conn.Read(into)
	if conn.client.stalled.Load() {
		// What came with the last read is not looked at either.
		<-conn.client.stream.Context().Done()
		return 0, net.ErrClosed
	}
	return count, err
}

func (client *Client) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	return stallable{conn, client}, err
}

// Reads nothing more, and says nothing more: the connection stays.
func (client *Client) stall() { client.stalled.Store(true) }
