package main

import (
	"context"
	"fmt"
	"log"
	"math/rand"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	clusterType     = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpointsType   = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType    = "type.googleapis.com/envoy.config.listener.v3.Listener"
	scopedRouteType = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
	routeType       = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	method          = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
	window          = 16 << 20
	patience        = 5 * time.Minute
	// A stream that breaks more often than this has nobody to talk to.
	mostReturns = 20
)

// Everything by wildcard, or by the names that others gave.
var gatewayOrder = []string{clusterType, endpointsType, listenerType, scopedRouteType, routeType}
var sidecarOrder = []string{clusterType, endpointsType, listenerType, routeType}

// What one type of one stream has.
type typeState struct {
	// By name; a name that is subscribed and not there yet has ''.
	versions map[string]string
	missing  int
	asked    bool
	answered bool
}

// Client is one Envoy: a connection of its own, one stream, what it holds.
type Client struct {
	id    int
	fleet *Fleet
	// The types that it asks for.
	order []string
	// An encoded request with a node and nothing else: the beginning of its first one.
	node    []byte
	stalled atomic.Bool
	// It ends its stream itself.
	isClosing atomic.Bool
	// It was up to date at some time.
	hadAll bool
	// The order that is under way waits for it to be up to date.
	isAwaited bool
	noted     []Arrival
	counted   int64
	types     map[string]*typeState
	conn      *grpc.ClientConn
	stream    grpc.ClientStream
	end       context.CancelFunc
	isFirst   bool
	// A CDS response whose acknowledgement waits until its clusters are warm, as Envoy's does.
	warming string
	synced  bool
	// Of the present order: when the resource came, in µs since the epoch.
	arrivals map[string]int64
}

func (client *Client) connect(address string, resume bool) error {
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// A server that is busy with all the others is waited for.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: patience}),
		grpc.WithContextDialer(client.dial),
		grpc.WithStaticStreamWindowSize(window), grpc.WithStaticConnWindowSize(window))
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "xds", ClientStreams: true, ServerStreams: true},
		method, grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(1<<30), grpc.WaitForReady(true))
	if err != nil {
		end()
		return err
	}
	client.conn, client.stream, client.end = conn, stream, end
	client.isFirst, client.warming, client.synced = true, "", false
	if !resume {
		client.types = map[string]*typeState{}
		for _, each := range client.order {
			client.types[each] = &typeState{versions: map[string]string{}}
		}
		if err := client.send(Request{typeURL: clusterType}); err != nil {
			return err
		}
		client.types[clusterType].asked = true
		return nil
	}
	// A reconnecting Envoy says all that it has and wants, type after type.
	for _, each := range client.order {
		state := client.types[each]
		state.answered = false
		if !state.asked {
			continue
		}
		request := Request{typeURL: each, versions: state.versions}
		if each == endpointsType || each == routeType {
			for name := range state.versions {
				request.subscribe = append(request.subscribe, name)
			}
		}
		if err := client.send(request); err != nil {
			return err
		}
	}
	return nil
}

// Comes again when its stream breaks, as Envoys do: with what it has, once it had everything.
func (client *Client) live(address string, resume bool) {
	for attempt := 1; ; attempt++ {
		err := client.connect(address, resume)
		if err == nil {
			err = client.run()
		}
		if client.isClosing.Load() || client.stalled.Load() {
			return
		}
		if attempt == mostReturns {
			log.Fatalf("stream %d: %v", client.id, err)
		}
		atomic.AddInt64(&client.fleet.returns, 1)
		client.close()
		client.isClosing.Store(false)
		resume = client.hadAll
		time.Sleep(time.Duration(rand.Intn(2000)) * time.Millisecond)
	}
}

func (client *Client) isGateway() bool { return len(client.order) == len(gatewayOrder) }

func (client *Client) close() {
	client.isClosing.Store(true)
	if client.conn == nil {
		return
	}
	client.end()
	client.conn.Close()
}

// Reads until the stream ends.
func (client *Client) run() error {
	for {
		var message []byte
		err := client.stream.RecvMsg(&message)
		if err != nil {
			return err
		}
		now := time.Now().UnixMicro()
		response, err := parseResponse(message)
		if err != nil {
			return err
		}
		if err := client.take(response, len(message), now); err != nil {
			return err
		}
	}
}

func (client *Client) take(response Response, size int, now int64) error {
	fleet := client.fleet
	state := client.types[response.typeURL]
	if state == nil {
		return fmt.Errorf("stream %d: a response of type %q", client.id, response.typeURL)
	}
	atomic.AddInt64(&fleet.responses, 1)
	atomic.AddInt64(&fleet.bytes, int64(size))
	atomic.AddInt64(&fleet.resources, int64(len(response.resources)))
	state.answered = true
	client.note(response, now)
	var wanted []string
	for _, each := range response.resources {
		version, known := state.versions[string(each.name)]
		if known && version == "" {
			state.missing--
		}
		if version != string(each.version) {
			state.versions[string(each.name)] = string(each.version)
		}
		switch response.typeURL {
		case clusterType:
			if name := endpointsOf(each.value, string(each.name)); name != "" {
				wanted = client.want(endpointsType, name, wanted)
			}
		case scopedRouteType:
			wanted = client.want(routeType, routeOf(each.value), wanted)
		case listenerType:
			if !client.isGateway() {
				for _, route := range routesOf(each.value) {
					wanted = client.want(routeType, route, wanted)
				}
			}
		}
		client.arrived(response.typeURL, string(each.name), now)
	}
	for _, name := range response.removed {
		if version, known := state.versions[name]; known && version == "" {
			state.missing--
		}
		delete(state.versions, name)
	}
	return client.reply(response, wanted, now)
}

// Acknowledges, and asks for what the response made wanted.
func (client *Client) reply(response Response, wanted []string, now int64) error {
	ack := Request{typeURL: response.typeURL, nonce: response.nonce}
	switch response.typeURL {
	case clusterType:
		if err := client.subscribe(endpointsType, wanted); err != nil {
			return err
		}
		if client.types[endpointsType].missing > 0 {
			client.warming = response.nonce
		} else if err := client.warm(ack); err != nil {
			return err
		}
	case scopedRouteType, listenerType:
		if err := client.send(ack); err != nil {
			return err
		}
		if err := client.subscribe(routeType, wanted); err != nil {
			return err
		}
	default:
		if err := client.send(ack); err != nil {
			return err
		}
		if response.typeURL == endpointsType && client.warming != "" && client.types[endpointsType].missing == 0 {
			nonce := client.warming
			client.warming = ""
			if err := client.warm(Request{typeURL: clusterType, nonce: nonce}); err != nil {
				return err
			}
		}
	}
	if !client.synced && client.isUpToDate() {
		client.synced = true
		client.hadAll = true
		if client.isAwaited {
			client.isAwaited = false
			client.fleet.syncs <- now
		}
	}
	return nil
}

// All clusters are warm. The first time, it is listeners' turn; scoped routes come with them.
func (client *Client) warm(ack Request) error {
	if err := client.send(ack); err != nil {
		return err
	}
	for _, each := range []string{listenerType, scopedRouteType} {
		if state := client.types[each]; state == nil || state.asked {
			continue
		}
		client.types[each].asked = true
		if err := client.send(Request{typeURL: each}); err != nil {
			return err
		}
	}
	return nil
}

func (client *Client) want(typeURL string, name string, wanted []string) []string {
	state := client.types[typeURL]
	if _, known := state.versions[name]; known {
		return wanted
	}
	state.versions[name] = ""
	state.missing++
	return append(wanted, name)
}

func (client *Client) subscribe(typeURL string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	client.types[typeURL].asked = true
	return client.send(Request{typeURL: typeURL, subscribe: names})
}

func (client *Client) isUpToDate() bool {
	for _, each := range client.order {
		state := client.types[each]
		// A sidecar may have no cluster that takes endpoints.
		isNeeded := state.asked || each != endpointsType || client.isGateway()
		if isNeeded && (!state.asked || !state.answered || state.missing > 0) {
			return false
		}
	}
	return true
}

func (client *Client) arrived(typeURL string, name string, now int64) {
	watch := client.fleet.watch.Load()
	if watch == nil || client.arrivals == nil {
		return
	}
	key := typeURL + "\n" + name
	if !watch.keys[key] || client.arrivals[key] != 0 {
		return
	}
	client.arrivals[key] = now
	if len(client.arrivals) == len(watch.keys) {
		client.arrivals = nil
		watch.done <- now
	}
}

func (client *Client) send(request Request) error {
	if client.isFirst {
		request.node = client.node
		client.isFirst = false
	}
	message := request.encode()
	return client.stream.SendMsg(&message)
}
