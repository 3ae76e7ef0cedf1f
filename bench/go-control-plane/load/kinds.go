package main

// Kind is a type of resources.
type Kind int

const (
	clusters Kind = iota
	endpoints
	listeners
	scopedRoutes
	routes
	kinds
)

var typeURLs = [kinds]string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster",
	"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
	"type.googleapis.com/envoy.config.listener.v3.Listener",
	"type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
	"type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}

// Everything by wildcard, or by the names that others gave.
var gatewayOrder = []Kind{clusters, endpoints, listeners, scopedRoutes, routes}
var sidecarOrder = []Kind{clusters, endpoints, listeners, routes}

// What stands where the number of a version does.
const (
	unknown int32 = iota
	// Subscribed, and not there yet.
	awaited
	firstVersion
)

// What one type of one stream has.
type typeState struct {
	// By the number of the name: the number of the version.
	versions []int32
	missing  int
	asked    bool
	answered bool
}

func (state *typeState) at(name int32) *int32 {
	if missing := int(name) + 1 - len(state.versions); missing > 0 {
		state.versions = append(state.versions, make([]int32, missing)...)
	}
	return &state.versions[name]
}
