package main

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

var errWire = errors.New("not a protobuf message")

// Fields goes through the length-delimited fields of a message; the others are passed over. What it gives points into the
// message.
type Fields struct {
	rest     []byte
	number   protowire.Number
	content  []byte
	isBroken bool
}

func fieldsOf(message []byte) Fields { return Fields{rest: message} }

func (fields *Fields) next() bool {
	// Most fields have a short tag, and many are short.
	if rest := fields.rest; len(rest) > 1 && rest[0] < 0x80 && rest[0]&7 == byte(protowire.BytesType) && rest[0] > 7 && rest[1] < 0x80 {
		if end := 2 + int(rest[1]); end <= len(rest) {
			fields.number, fields.content, fields.rest = protowire.Number(rest[0]>>3), rest[2:end], rest[end:]
			return true
		}
	}
	for len(fields.rest) > 0 {
		number, kind, size := protowire.ConsumeTag(fields.rest)
		if size < 0 {
			return fields.breaks()
		}
		fields.rest = fields.rest[size:]
		if kind == protowire.BytesType {
			content, size := protowire.ConsumeBytes(fields.rest)
			if size < 0 {
				return fields.breaks()
			}
			fields.rest, fields.number, fields.content = fields.rest[size:], number, content
			return true
		}
		size = protowire.ConsumeFieldValue(number, kind, fields.rest)
		if size < 0 {
			return fields.breaks()
		}
		fields.rest = fields.rest[size:]
	}
	return false
}

func (fields *Fields) breaks() bool {
	fields.isBroken = true
	return false
}

// The type and the nonce of a DeltaDiscoveryResponse, which may stand before the resources or behind them.
func headOf(response []byte) (typeURL, nonce []byte) {
	for fields := fieldsOf(response); (typeURL == nil || nonce == nil) && fields.next(); {
		switch fields.number {
		case 4:
			typeURL = fields.content
		case 5:
			nonce = fields.content
		}
	}
	return typeURL, nonce
}

// Resource is one entry of a DeltaDiscoveryResponse; its parts point into it.
type Resource struct {
	name, version, value []byte
}

func parseResource(message []byte) (Resource, error) {
	var resource Resource
	fields := fieldsOf(message)
	for fields.next() {
		switch fields.number {
		case 1:
			resource.version = fields.content
		case 2:
			any := fieldsOf(fields.content)
			for any.next() {
				if any.number == 2 {
					resource.value = any.content
				}
			}
			fields.isBroken = fields.isBroken || any.isBroken
		case 3:
			resource.name = fields.content
		}
	}
	if fields.isBroken || len(resource.name) == 0 || len(resource.version) == 0 {
		return resource, errWire
	}
	return resource, nil
}

// The endpoints that a Cluster asks for: eds_cluster_config.service_name, else its own name; empty for other kinds.
func endpointsOf(cluster []byte, name []byte) []byte {
	var wanted []byte
	for fields := fieldsOf(cluster); fields.next(); {
		if fields.number != 3 {
			continue
		}
		wanted = name
		for eds := fieldsOf(fields.content); eds.next(); {
			if eds.number == 2 && len(eds.content) > 0 {
				wanted = eds.content
			}
		}
	}
	return wanted
}

// ScopedRouteConfiguration.route_configuration_name
func routeOf(scope []byte) []byte {
	var route []byte
	for fields := fieldsOf(scope); fields.next(); {
		if fields.number == 2 {
			route = fields.content
		}
	}
	return route
}

// Of a Listener: filter_chains, filters, typed_config, Any.value, HttpConnectionManager.rds, route_config_name.
var routesPath = []protowire.Number{3, 3, 4, 2, 3, 2}

// Visits the RouteConfigurations that a Listener's connection managers take by name.
func routesOf(message []byte, path []protowire.Number, visit func(name []byte)) {
	for fields := fieldsOf(message); fields.next(); {
		if fields.number != path[0] {
			continue
		}
		if len(path) == 1 {
			visit(fields.content)
		} else {
			routesOf(fields.content, path[1:], visit)
		}
	}
}

// Of a DeltaDiscoveryRequest.
const (
	typeField      protowire.Number = 2
	subscribeField protowire.Number = 3
	versionsField  protowire.Number = 5
	nonceField     protowire.Number = 6
)

func appendText[T string | []byte](out []byte, number protowire.Number, text T) []byte {
	out = protowire.AppendTag(out, number, protowire.BytesType)
	out = protowire.AppendVarint(out, uint64(len(text)))
	return append(out, text...)
}

// An entry of initial_resource_versions.
func appendVersion(out []byte, name, version string) []byte {
	size := 2 + protowire.SizeBytes(len(name)) + protowire.SizeBytes(len(version))
	out = protowire.AppendTag(out, versionsField, protowire.BytesType)
	out = protowire.AppendVarint(out, uint64(size))
	return appendText(appendText(out, 1, name), 2, version)
}

// A request with a Node that has metadata {"detour": {"listen": …}}.
func nodeOf(id string, listen string) []byte {
	sub := func(number protowire.Number, content []byte) []byte { return appendText(nil, number, content) }
	// Struct.fields is 1 (key 1, value 2), Value.string_value is 3 and Value.struct_value 5.
	field := func(key string, value []byte) []byte {
		return sub(1, append(sub(1, []byte(key)), sub(2, value)...))
	}
	metadata := field("detour", sub(5, field("listen", sub(3, []byte(listen)))))
	node := append(sub(1, []byte(id)), sub(2, []byte("bench"))...)
	return sub(1, append(node, sub(3, metadata)...))
}
