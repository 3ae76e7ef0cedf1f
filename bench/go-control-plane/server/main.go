// A go-control-plane server to compare with: delta ADS out of its linear or its snapshot cache, with resources that come
// from outside. Orders come as lines of JSON on stdin, each is answered by one line on stdout.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	xds "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	// What resources are made of, so that they can be read.
	_ "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// In the order in which they are to reach clients.
var typeURLs = []string{resource.ClusterType, resource.EndpointType, resource.ListenerType, resource.ScopedRouteType, resource.RouteType}

// Change is what is new of one type.
type Change struct {
	typeURL string
	put     map[string]types.Resource
	removed []string
}

// Order is one line of stdin.
type Order struct {
	// A file of DeltaDiscoveryResponses, each after its length as a varint.
	Load string `json:"load"`
	// The same in base64: one change of the world.
	Update string `json:"update"`
}

func main() {
	kind := flag.String("cache", "linear", "linear or snapshot")
	flag.Parse()
	held := newCache(*kind)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(server, xds.NewServer(context.Background(), held, nil))
	go func() { check(server.Serve(listener)) }()
	answer(map[string]any{"port": listener.Addr().(*net.TCPAddr).Port})

	orders := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := orders.ReadBytes('\n')
		if err != nil {
			return
		}
		var order Order
		check(json.Unmarshal(line, &order))
		changes := changesOf(order)
		// The clock starts when the resources are there as objects: reading them is no part of serving them.
		at := time.Now().UnixMicro()
		check(held.apply(changes))
		answer(map[string]any{"at": at})
	}
}

func changesOf(order Order) []Change {
	var bytes []byte
	var err error
	if order.Load != "" {
		bytes, err = os.ReadFile(order.Load)
	} else {
		bytes, err = base64.StdEncoding.DecodeString(order.Update)
	}
	check(err)
	var changes []Change
	for len(bytes) > 0 {
		length, size := binary.Uvarint(bytes)
		var response discovery.DeltaDiscoveryResponse
		check(proto.Unmarshal(bytes[size:size+int(length)], &response))
		bytes = bytes[size+int(length):]
		change := Change{typeURL: response.TypeUrl, put: map[string]types.Resource{}, removed: response.RemovedResources}
		for _, each := range response.Resources {
			message, err := each.Resource.UnmarshalNew()
			check(err)
			change.put[each.Name] = message
		}
		changes = append(changes, change)
	}
	return changes
}

func answer(value any) {
	line, err := json.Marshal(value)
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
