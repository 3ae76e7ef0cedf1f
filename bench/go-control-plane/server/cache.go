package main

import (
	"context"
	"fmt"
	"log"
	"strconv"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
)

// Cache is one of go-control-plane's caches, and how it takes changes.
type Cache interface {
	cache.Cache
	apply(changes []Change) error
}

func newCache(kind string) Cache {
	switch kind {
	case "linear":
		return newLinear()
	case "snapshot":
		return newSnapshots()
	}
	log.Fatalf("-cache is linear or snapshot, not %s", kind)
	return nil
}

// A linear cache for each type.
type linear struct {
	*cache.MuxCache
	byType map[string]*cache.LinearCache
}

func newLinear() *linear {
	byType := map[string]*cache.LinearCache{}
	caches := map[string]cache.Cache{}
	for _, url := range typeURLs {
		byType[url] = cache.NewLinearCache(url)
		caches[url] = byType[url]
	}
	mux := &cache.MuxCache{
		Classify:      func(request *cache.Request) string { return request.GetTypeUrl() },
		ClassifyDelta: func(request *cache.DeltaRequest) string { return request.GetTypeUrl() },
		Caches:        caches,
	}
	return &linear{mux, byType}
}

func (held *linear) apply(changes []Change) error {
	for _, change := range changes {
		into, known := held.byType[change.typeURL]
		if !known {
			return fmt.Errorf("no cache for %s", change.typeURL)
		}
		if err := into.UpdateResources(change.put, change.removed); err != nil {
			return err
		}
	}
	return nil
}

// One snapshot for all clients. What a change does not touch is taken over from the snapshot before.
type snapshots struct {
	cache.SnapshotCache
	resources map[string]map[string]types.Resource
	last      cache.Snapshot
	version   int
}

// OneGroup is the node hash of a fleet in which all get the same.
type OneGroup struct{}

const group = "all"

// ID is the same for all.
func (OneGroup) ID(*core.Node) string { return group }

func newSnapshots() *snapshots {
	return &snapshots{
		SnapshotCache: cache.NewSnapshotCache(true, OneGroup{}, nil),
		resources:     map[string]map[string]types.Resource{},
	}
}

func (held *snapshots) apply(changes []Change) error {
	held.version++
	next := cache.Snapshot{Resources: held.last.Resources}
	for _, change := range changes {
		resources := held.resources[change.typeURL]
		if resources == nil {
			resources = map[string]types.Resource{}
			held.resources[change.typeURL] = resources
		}
		for name, message := range change.put {
			resources[name] = message
		}
		for _, name := range change.removed {
			delete(resources, name)
		}
		all := make([]types.Resource, 0, len(resources))
		for _, message := range resources {
			all = append(all, message)
		}
		next.Resources[cache.GetResponseType(change.typeURL)] = cache.NewResources(strconv.Itoa(held.version), all)
	}
	held.last = next
	return held.SetSnapshot(context.Background(), group, &next)
}
