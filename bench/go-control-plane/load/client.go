package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"time"
)

// A stream that breaks more often than this has nobody to talk to.
const mostReturns = 20

// Client is one Envoy: a connection of its own, one stream, what it holds.
type Client struct {
	id    int
	fleet *Fleet
	// The types that it asks for.
	order []Kind
	// An encoded request with a node and nothing else: the beginning of its first one.
	node []byte
	// It was up to date at some time; it is since it came last.
	hadAll, isSynced bool
	// The order that is under way waits for it to be up to date.
	isAwaited  bool
	types      [kinds]typeState
	connection *Connection
	returns    int
	// A CDS response whose acknowledgement waits until its clusters are warm, as Envoy's does; '': none.
	warming string
	// When what was read last came, in µs since the epoch.
	now int64
	// Of the watch: what has come. Of the record: what came when, and how many responses.
	seen    []bool
	missing int
	noted   []Arrival
	counted int64
}

// A reconnecting client says all that it has and wants, type after type: as Envoys do, put together before it connects.
func (client *Client) connect(hello []byte) error {
	connection, err := dial(client.fleet.loop, client.fleet.address, client.take, client.ended)
	if err != nil {
		return err
	}
	client.connection, client.warming, client.isSynced = connection, "", false
	connection.queue = hello
	return nil
}

// What a client says first that has nothing.
func (client *Client) greeting() []byte {
	client.types = [kinds]typeState{}
	client.types[clusters].asked = true
	out := append(beginMessage(nil), client.node...)
	return endMessage(appendText(out, typeField, typeURLs[clusters]), 0)
}

// What a client says first that was here before. The names are in an order of its own, as in the hash maps of an Envoy.
func (client *Client) returning() []byte {
	var out []byte
	for index, kind := range client.order {
		state := &client.types[kind]
		state.answered = false
		if !state.asked {
			continue
		}
		from := len(out)
		out = beginMessage(out)
		if index == 0 {
			out = append(out, client.node...)
		}
		out = appendText(out, typeField, typeURLs[kind])
		names := make([]int32, 0, len(state.versions))
		for name, version := range state.versions {
			if version != unknown {
				names = append(names, int32(name))
			}
		}
		table := client.fleet.names[kind]
		if kind == endpoints || kind == routes {
			rand.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
			for _, name := range names {
				out = appendText(out, subscribeField, table.texts[name])
			}
		}
		rand.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
		for _, name := range names {
			out = appendVersion(out, table.texts[name], client.fleet.versions.texts[state.versions[name]])
		}
		out = endMessage(out, from)
	}
	return out
}

// Comes again when its stream breaks, as Envoys do: with what it has, once it had everything.
func (client *Client) ended(err error) {
	client.returns++
	if client.returns == mostReturns {
		log.Fatalf("stream %d: %v", client.id, err)
	}
	client.fleet.returns++
	client.fleet.loop.after(time.Duration(rand.IntN(2000))*time.Millisecond, func() {
		hello := client.greeting
		if client.hadAll {
			hello = client.returning
		}
		if err := client.connect(hello()); err != nil {
			client.ended(err)
		}
	})
}

func (client *Client) isGateway() bool { return len(client.order) == len(gatewayOrder) }

func (client *Client) take(message []byte) error {
	typeURL, nonce := headOf(message)
	kind, isAsked := client.kindOf(typeURL)
	if !isAsked || len(nonce) == 0 {
		return fmt.Errorf("a response of type %q with the nonce %q", typeURL, nonce)
	}
	fleet := client.fleet
	client.now = time.Now().UnixMicro()
	client.types[kind].answered = true
	fleet.responses++
	fleet.bytes += int64(len(message))
	client.counted++
	fleet.wanted = fleet.wanted[:0]
	fields := fieldsOf(message)
	for fields.next() {
		switch fields.number {
		case 2:
			if err := client.takeResource(kind, fields.content); err != nil {
				return err
			}
		case 6:
			client.set(kind, fleet.names[kind].id(fields.content), unknown)
		}
	}
	if fields.isBroken {
		return errWire
	}
	client.reply(kind, nonce)
	if !client.isSynced && client.isUpToDate() {
		client.isSynced, client.hadAll = true, true
		if client.isAwaited {
			client.isAwaited = false
			fleet.came(client.now)
		}
	}
	return nil
}

func (client *Client) kindOf(typeURL []byte) (kind Kind, isAsked bool) {
	for _, kind := range client.order {
		if string(typeURL) == typeURLs[kind] {
			return kind, client.types[kind].asked
		}
	}
	return 0, false
}

func (client *Client) takeResource(kind Kind, entry []byte) error {
	resource, err := parseResource(entry)
	if err != nil {
		return err
	}
	fleet := client.fleet
	fleet.resources++
	name := fleet.names[kind].id(resource.name)
	client.set(kind, name, fleet.versions.id(resource.version))
	switch kind {
	case clusters:
		if wanted := endpointsOf(resource.value, resource.name); len(wanted) > 0 {
			client.want(endpoints, wanted)
		}
	case scopedRoutes:
		client.want(routes, routeOf(resource.value))
	case listeners:
		if !client.isGateway() {
			routesOf(resource.value, routesPath, func(wanted []byte) { client.want(routes, wanted) })
		}
	}
	client.arrived(kind, name)
	return nil
}

func (client *Client) set(kind Kind, name int32, version int32) {
	state := &client.types[kind]
	at := state.at(name)
	if *at == awaited {
		state.missing--
	}
	*at = version
}

// It is subscribed to with the reply, unless it is already.
func (client *Client) want(kind Kind, name []byte) {
	fleet := client.fleet
	state := &client.types[kind]
	at := state.at(fleet.names[kind].id(name))
	if *at != unknown {
		return
	}
	*at = awaited
	state.missing++
	fleet.wanted = appendText(fleet.wanted, subscribeField, name)
}

// Acknowledges, and asks for what the response made wanted.
func (client *Client) reply(kind Kind, nonce []byte) {
	switch kind {
	case clusters:
		client.subscribe(endpoints)
		if client.types[endpoints].missing > 0 {
			client.warming = string(nonce)
		} else {
			client.warm(nonce)
		}
	case scopedRoutes, listeners:
		client.send(kind, nil, nonce)
		client.subscribe(routes)
	default:
		client.send(kind, nil, nonce)
		if kind == endpoints && client.warming != "" && client.types[endpoints].missing == 0 {
			nonce := client.warming
			client.warming = ""
			client.warm([]byte(nonce))
		}
	}
}

// All clusters are warm. The first time, it is listeners' turn; scoped routes come with them.
func (client *Client) warm(nonce []byte) {
	client.send(clusters, nil, nonce)
	for _, kind := range client.order {
		if state := &client.types[kind]; (kind == listeners || kind == scopedRoutes) && !state.asked {
			state.asked = true
			client.send(kind, nil, nil)
		}
	}
}

func (client *Client) subscribe(kind Kind) {
	if wanted := client.fleet.wanted; len(wanted) > 0 {
		client.types[kind].asked = true
		client.send(kind, wanted, nil)
	}
}

// @param names as fields of the request
func (client *Client) send(kind Kind, names []byte, nonce []byte) {
	from := len(client.connection.queue)
	out := appendText(beginMessage(client.connection.queue), typeField, typeURLs[kind])
	out = append(out, names...)
	if len(nonce) > 0 {
		out = appendText(out, nonceField, nonce)
	}
	client.connection.queue = endMessage(out, from)
}

func (client *Client) isUpToDate() bool {
	for _, kind := range client.order {
		state := &client.types[kind]
		// A sidecar may have no cluster that takes endpoints.
		isNeeded := state.asked || kind != endpoints || client.isGateway()
		if isNeeded && (!state.asked || !state.answered || state.missing > 0) {
			return false
		}
	}
	return true
}
