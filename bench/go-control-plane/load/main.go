// The load: many clients of delta ADS that subscribe and acknowledge as Envoy does, as cheaply as possible. Orders come
// as lines of JSON on stdin, each is answered by one line on stdout. Times are µs since the epoch.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Order is one line of stdin.
type Order struct {
	// connect: streams to Address that have nothing. watch: from now on, wait for Resources. arrivals: answered when
	// every stream has them. disconnect: all at once. reconnect: all at once, with what they have.
	// join: sidecars, one for each of Nodes, beside those that are there. record: from now on, note when Resources come, and
	// count responses. recorded: what that came to for single changes. lags: for many of them, over the streams from From on.
	// stall: the first Streams read nothing more from their connections.
	Do        string   `json:"do"`
	Address   string   `json:"address"`
	Streams   int      `json:"streams"`
	Resources []string `json:"resources"`
	// DeltaDiscoveryRequests that have a node and nothing else.
	Nodes   [][]byte `json:"nodes"`
	Changes []Change `json:"changes"`
	From    int      `json:"from"`
}

// Watch is what all streams are waited for.
type Watch struct {
	keys map[string]bool
	done chan int64
}

// Fleet is all streams.
type Fleet struct {
	address                     string
	clients                     []*Client
	running                     sync.WaitGroup
	syncs                       chan int64
	watch                       atomic.Pointer[Watch]
	record                      atomic.Pointer[Record]
	responses, resources, bytes int64
	// How often a stream broke and its client came again.
	returns int64
}

func main() {
	fleet := &Fleet{}
	lines := make(chan []byte)
	go func() {
		orders := bufio.NewReaderSize(os.Stdin, 1<<20)
		for {
			line, err := orders.ReadBytes('\n')
			if err != nil {
				// Whoever gave the orders is gone: nobody waits for what is still under way.
				os.Exit(0)
			}
			lines <- line
		}
	}()
	for line := range lines {
		var order Order
		if err := json.Unmarshal(line, &order); err != nil {
			log.Fatal(err)
		}
		fleet.responses, fleet.resources, fleet.bytes = 0, 0, 0
		switch order.Do {
		case "connect":
			fleet.connect(order)
		case "watch":
			fleet.startWatch(order.Resources)
			answer(map[string]any{})
		case "arrivals":
			answer(map[string]any{"times": fleet.times(fleet.watch.Load().done, len(fleet.clients))})
		case "join":
			fleet.join(order)
		case "record":
			fleet.startRecord(order.Resources)
			answer(map[string]any{})
		case "recorded":
			answer(fleet.recorded())
		case "lags":
			answer(fleet.lags(order.Changes, order.From))
		case "stall":
			for _, client := range fleet.clients[:order.Streams] {
				client.stall()
			}
			answer(map[string]any{})
		case "disconnect":
			fleet.disconnect()
			answer(map[string]any{})
		case "reconnect":
			fleet.reconnect(order)
		default:
			log.Fatalf("no such order: %s", order.Do)
		}
	}
}

func (fleet *Fleet) connect(order Order) {
	fleet.address = order.Address
	fleet.clients = nil
	for id := range order.Streams {
		node := nodeOf(fmt.Sprintf("gateway~bench/edge-%d", id), "127.0.0.1:8080")
		fleet.clients = append(fleet.clients, &Client{node: node, id: id, fleet: fleet, order: gatewayOrder})
	}
	from := fleet.open(fleet.clients, false)
	fleet.report(from, fleet.times(fleet.syncs, len(fleet.clients)))
}

func (fleet *Fleet) join(order Order) {
	fleet.address = order.Address
	var clients []*Client
	for _, node := range order.Nodes {
		clients = append(clients, &Client{node: node, id: len(fleet.clients), fleet: fleet, order: sidecarOrder})
		fleet.clients = append(fleet.clients, clients[len(clients)-1])
	}
	from := fleet.open(clients, false)
	fleet.report(from, fleet.times(fleet.syncs, len(clients)))
}

// Up to date is a stream that has the resources that changed meanwhile.
func (fleet *Fleet) reconnect(order Order) {
	fleet.startWatch(order.Resources)
	from := fleet.open(fleet.clients, true)
	fleet.report(from, fleet.times(fleet.watch.Load().done, len(fleet.clients)))
}

func (fleet *Fleet) open(clients []*Client, resume bool) int64 {
	fleet.syncs = make(chan int64, len(clients))
	from := time.Now().UnixMicro()
	for _, client := range clients {
		client.isAwaited = true
		client.isClosing.Store(false)
		fleet.running.Add(1)
		go func() {
			defer fleet.running.Done()
			client.live(fleet.address, resume)
		}()
	}
	return from
}

// Not while anything is under way: clients are not locked.
func (fleet *Fleet) startWatch(resources []string) {
	watch := &Watch{keys: map[string]bool{}, done: make(chan int64, len(fleet.clients))}
	for _, each := range resources {
		watch.keys[each] = true
	}
	for _, client := range fleet.clients {
		client.arrivals = map[string]int64{}
	}
	fleet.watch.Store(watch)
}

func (fleet *Fleet) disconnect() {
	for _, client := range fleet.clients {
		client.close()
	}
	fleet.running.Wait()
}

func (fleet *Fleet) times(from chan int64, count int) []int64 {
	var times []int64
	for range count {
		times = append(times, <-from)
	}
	return times
}

func (fleet *Fleet) report(from int64, times []int64) {
	answer(map[string]any{
		"from": from, "times": times,
		"responses": atomic.LoadInt64(&fleet.responses),
		"resources": atomic.LoadInt64(&fleet.resources),
		"bytes":     atomic.LoadInt64(&fleet.bytes),
		"returns":   atomic.LoadInt64(&fleet.returns),
	})
}

func answer(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}
