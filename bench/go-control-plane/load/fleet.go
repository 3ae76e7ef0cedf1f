package main

import (
	"fmt"
	"log"
	"time"
)

// Fleet is all streams.
type Fleet struct {
	loop    *Loop
	address string
	clients []*Client
	// Numbers of names, by type, and of versions.
	names    [kinds]*Table
	versions *Table
	// What all streams are waited for, and what is noted.
	watch  *Keys
	record *Record
	// When streams had what they are waited for; once there are so many of them, an order is answered.
	times    []int64
	expected int
	onAll    func()
	// Of the present order.
	responses, resources, bytes int64
	// How often a stream broke and its client came again.
	returns int64
	// What the response that is being read makes wanted, as fields of a request.
	wanted []byte
}

func newFleet(loop *Loop) *Fleet {
	fleet := &Fleet{loop: loop, versions: newTable(int(firstVersion))}
	for kind := range fleet.names {
		fleet.names[kind] = newTable(1)
	}
	return fleet
}

func (fleet *Fleet) do(order Order) {
	fleet.responses, fleet.resources, fleet.bytes = 0, 0, 0
	switch order.Do {
	case "connect":
		fleet.connect(order)
	case "join":
		fleet.join(order)
	case "watch":
		fleet.startWatch(order.Resources)
		answer(map[string]any{})
	case "arrivals":
		fleet.await(len(fleet.clients), func() { answer(map[string]any{"times": fleet.times}) })
	case "record":
		fleet.startRecord(order.Resources)
		answer(map[string]any{})
	case "recorded":
		answer(fleet.recorded())
	case "lags":
		answer(fleet.lags(order.Changes, order.From))
	case "stall":
		for _, client := range fleet.clients[:order.Streams] {
			client.connection.stall()
		}
		answer(map[string]any{})
	case "disconnect":
		for _, client := range fleet.clients {
			client.connection.close()
		}
		answer(map[string]any{})
	case "reconnect":
		fleet.reconnect(order)
	default:
		log.Fatalf("no such order: %s", order.Do)
	}
}

func (fleet *Fleet) connect(order Order) {
	fleet.address = order.Address
	fleet.clients = nil
	for id := range order.Streams {
		node := nodeOf(fmt.Sprintf("gateway~bench/edge-%d", id), "127.0.0.1:8080")
		fleet.clients = append(fleet.clients, &Client{node: node, id: id, fleet: fleet, order: gatewayOrder})
	}
	fleet.sync(fleet.clients)
}

func (fleet *Fleet) join(order Order) {
	fleet.address = order.Address
	var clients []*Client
	for _, node := range order.Nodes {
		clients = append(clients, &Client{node: node, id: len(fleet.clients) + len(clients), fleet: fleet, order: sidecarOrder})
	}
	fleet.clients = append(fleet.clients, clients...)
	fleet.sync(clients)
}

func (fleet *Fleet) sync(clients []*Client) {
	fleet.times = nil
	hellos := make([][]byte, len(clients))
	for index, client := range clients {
		client.isAwaited = true
		hellos[index] = client.greeting()
	}
	fleet.open(clients, hellos)
}

// Up to date is a stream that has the resources that changed meanwhile.
func (fleet *Fleet) reconnect(order Order) {
	fleet.startWatch(order.Resources)
	hellos := make([][]byte, len(fleet.clients))
	for index, client := range fleet.clients {
		hellos[index] = client.returning()
	}
	fleet.open(fleet.clients, hellos)
}

// The clock starts when what they say first is put together: that costs an Envoy its own time, and not the server's.
func (fleet *Fleet) open(clients []*Client, hellos [][]byte) {
	from := time.Now().UnixMicro()
	fleet.await(len(clients), func() {
		answer(map[string]any{
			"from": from, "times": fleet.times,
			"responses": fleet.responses, "resources": fleet.resources, "bytes": fleet.bytes, "returns": fleet.returns,
		})
	})
	for index, client := range clients {
		if err := client.connect(hellos[index]); err != nil {
			log.Fatal(err)
		}
	}
}

func (fleet *Fleet) await(count int, onAll func()) {
	fleet.expected, fleet.onAll = count, onAll
	fleet.check()
}

// A stream has what it is waited for.
func (fleet *Fleet) came(at int64) {
	fleet.times = append(fleet.times, at)
	fleet.check()
}

func (fleet *Fleet) check() {
	if fleet.onAll == nil || len(fleet.times) < fleet.expected {
		return
	}
	onAll := fleet.onAll
	fleet.onAll = nil
	onAll()
}
