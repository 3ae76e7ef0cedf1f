package main

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The codec of gRPC: messages stay the bytes that they are.
type rawCodec struct{}

func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

var errWire = errors.New("not a protobuf message")

// Calls visit with the length-delimited fields of a message; the others are passed over.
func fields(message []byte, visit func(number protowire.Number, content []byte) error) error {
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return errWire
		}
		message = message[size:]
		if kind != protowire.BytesType {
			size = protowire.ConsumeFieldValue(number, kind, message)
			if size < 0 {
				return errWire
			}
			message = message[size:]
			continue
		}
		content, size := protowire.ConsumeBytes(message)
		if size < 0 {
			return errWire
		}
		message = message[size:]
		if err := visit(number, content); err != nil {
			return err
		}
	}
	return nil
}

// Resource is one entry of a DeltaDiscoveryResponse; its parts point into the response.
type Resource struct {
	name, version, value []byte
}

// Response is what a client needs of a DeltaDiscoveryResponse.
type Response struct {
	typeURL, nonce string
	resources      []Resource
	removed        []string
}

func parseResponse(message []byte) (Response, error) {
	var response Response
	err := fields(message, func(number protowire.Number, content []byte) error {
		switch number {
		case 2:
			var each Resource
			err := fields(content, func(number protowire.Number, content []byte) error {
				switch number {
				case 1:
					each.version = content
				case 2:
					return fields(content, func(number protowire.Number, content []byte) error {
						if number == 2 {
							each.value = content
						}
						return nil
					})
				case 3:
					each.name = content
				}
				return nil
			})
			response.resources = append(response.resources, each)
			return err
		case 4:
			response.typeURL = string(content)
		case 5:
			response.nonce = string(content)
		case 6:
			response.removed = append(response.removed, string(content))
		}
		return nil
	})
	return response, err
}

// The endpoints that a Cluster asks for: eds_cluster_config.service_name, else its own name; empty for other kinds.
func endpointsOf(cluster []byte, name string) string {
	wanted := ""
	_ = fields(cluster, func(number protowire.Number, content []byte) error {
		if number != 3 {
			return nil
		}
		wanted = name
		return fields(content, func(number protowire.Number, content []byte) error {
			if number == 2 && len(content) > 0 {
				wanted = string(content)
			}
			return nil
		})
	})
	return wanted
}

// ScopedRouteConfiguration.route_configuration_name
func routeOf(scope []byte) string {
	route := ""
	_ = fields(scope, func(number protowire.Number, content []byte) error {
		if number == 2 {
			route = string(content)
		}
		return nil
	})
	return route
}

// The RouteConfigurations that a Listener's connection managers take by name.
func routesOf(listener []byte) []string {
	var routes []string
	// filter_chains, filters, typed_config, Any.value, HttpConnectionManager.rds, route_config_name
	path := []protowire.Number{3, 3, 4, 2, 3, 2}
	var walk func(message []byte, depth int) error
	walk = func(message []byte, depth int) error {
		return fields(message, func(number protowire.Number, content []byte) error {
			if number != path[depth] {
				return nil
			}
			if depth == len(path)-1 {
				routes = append(routes, string(content))
				return nil
			}
			return walk(content, depth+1)
		})
	}
	_ = walk(listener, 0)
	return routes
}

// Request is what a client says in a DeltaDiscoveryRequest.
type Request struct {
	typeURL, nonce string
	// An encoded request that has a node and nothing else.
	node        []byte
	subscribe   []string
	unsubscribe []string
	versions    map[string]string
}

func (request Request) encode() []byte {
	var out []byte
	text := func(into []byte, number protowire.Number, value string) []byte {
		return protowire.AppendString(protowire.AppendTag(into, number, protowire.BytesType), value)
	}
	out = append(out, request.node...)
	out = text(out, 2, request.typeURL)
	for _, name := range request.subscribe {
		out = text(out, 3, name)
	}
	for _, name := range request.unsubscribe {
		out = text(out, 4, name)
	}
	var entry []byte
	for name, version := range request.versions {
		entry = text(text(entry[:0], 1, name), 2, version)
		out = protowire.AppendBytes(protowire.AppendTag(out, 5, protowire.BytesType), entry)
	}
	if request.nonce != "" {
		out = text(out, 6, request.nonce)
	}
	return out
}

// A request with a Node that has metadata {"detour": {"listen": …}}.
func nodeOf(id string, listen string) []byte {
	sub := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	// Struct.fields is 1 (key 1, value 2), Value.string_value is 3 and Value.struct_value 5.
	field := func(key string, value []byte) []byte {
		return sub(1, append(sub(1, []byte(key)), sub(2, value)...))
	}
	metadata := field("detour", sub(5, field("listen", sub(3, []byte(listen)))))
	node := append(sub(1, []byte(id)), sub(2, []byte("bench"))...)
	return sub(1, append(node, sub(3, metadata)...))
}
