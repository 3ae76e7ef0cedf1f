// grpc-go-client is grpc-go with its own xDS support, driven by a test. It reads a JSON object a line: a call to make,
// or a control plane to ask for the status of its clients; and writes a JSON object a line: the answer, with the same id.
// The bootstrap comes from GRPC_XDS_BOOTSTRAP_CONFIG, as for every program that uses grpc-go.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	statuspb "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	_ "google.golang.org/grpc/xds"
)

// version is a hash of the sources, set by the build.
var version = "unknown"

// A call that takes longer has failed.
const callTimeout = 20 * time.Second

type request struct {
	ID       int                 `json:"id"`
	Target   string              `json:"target"`
	Metadata map[string][]string `json:"metadata"`
	// StatusOf is the address of a control plane; then there is no target.
	StatusOf string `json:"statusOf"`
}

type answer struct {
	ID       int        `json:"id"`
	Copy     string     `json:"copy,omitempty"`
	Error    string     `json:"error,omitempty"`
	Resource []resource `json:"resources,omitempty"`
}

// resource is what a control plane says that a client has.
type resource struct {
	Node         string `json:"node"`
	Type         string `json:"type"`
	Name         string `json:"name"`
	Version      string `json:"version"`
	ConfigStatus string `json:"configStatus"`
	ClientStatus string `json:"clientStatus"`
}

// bytesCodec takes messages as they are. Its name is that of the default codec, so that no content type tells of it.
type bytesCodec struct{}

func (bytesCodec) Name() string                        { return "proto" }
func (bytesCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (bytesCodec) Unmarshal(bytes []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), bytes...)
	return nil
}

// client keeps a connection for each target.
type client struct {
	mu          sync.Mutex
	connections map[string]*grpc.ClientConn
}

func (c *client) connection(target string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.connections[target]; known != nil {
		return known, nil
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	c.connections[target] = connection
	return connection, nil
}

// call asks the echo at a target which copy it is.
func (c *client) call(ctx context.Context, target string, headers metadata.MD) (string, error) {
	connection, err := c.connection(target)
	if err != nil {
		return "", err
	}
	message, reply := []byte(`{"text":""}`), []byte(nil)
	ctx = metadata.NewOutgoingContext(ctx, headers)
	if err := connection.Invoke(ctx, "/test.Echo/Unary", &message, &reply, grpc.ForceCodec(bytesCodec{})); err != nil {
		return "", err
	}
	var said struct {
		Copy string `json:"copy"`
	}
	err = json.Unmarshal(reply, &said)
	return said.Copy, err
}

// status reads the client status discovery service (CSDS) of a control plane.
func (c *client) status(ctx context.Context, address string) ([]resource, error) {
	connection, err := c.connection(address)
	if err != nil {
		return nil, err
	}
	response, err := statuspb.NewClientStatusDiscoveryServiceClient(connection).FetchClientStatus(ctx, &statuspb.ClientStatusRequest{})
	if err != nil {
		return nil, err
	}
	resources := []resource{}
	for _, client := range response.GetConfig() {
		for _, each := range client.GetGenericXdsConfigs() {
			resources = append(resources, resource{
				Node:         client.GetNode().GetId(),
				Type:         each.GetTypeUrl(),
				Name:         each.GetName(),
				Version:      each.GetVersionInfo(),
				ConfigStatus: each.GetConfigStatus().String(),
				ClientStatus: each.GetClientStatus().String(),
			})
		}
	}
	return resources, nil
}

func (c *client) answer(asked request) answer {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	given := answer{ID: asked.ID}
	var err error
	if asked.StatusOf != "" {
		given.Resource, err = c.status(ctx, asked.StatusOf)
	} else {
		given.Copy, err = c.call(ctx, asked.Target, asked.Metadata)
	}
	if err != nil {
		given.Error = err.Error()
	}
	return given
}

func main() {
	tellVersion := flag.Bool("version", false, "say the version and end")
	flag.Parse()
	if *tellVersion {
		fmt.Println("grpc-go-client", version)
		return
	}
	client := client{connections: map[string]*grpc.ClientConn{}}
	var writing sync.Mutex
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatalf("not a request: %v", err)
		}
		go func() {
			given := client.answer(asked)
			writing.Lock()
			defer writing.Unlock()
			if err := answers.Encode(given); err != nil {
				log.Fatal(err)
			}
		}()
	}
}
