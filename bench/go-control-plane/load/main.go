// The load: many clients of delta ADS that subscribe and acknowledge as Envoy does, as cheaply as possible: Envoys have
// machines of their own. One thread does everything. Orders come as lines of JSON on stdin, each is answered by one line on
// stdout. Times are µs since the epoch.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
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

func main() {
	profile := flag.String("cpuprofile", "", "a file for the profile of the processor, which go tool pprof reads")
	flag.Parse()
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			log.Fatal(err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			log.Fatal(err)
		}
	}
	runtime.LockOSThread()
	loop := newLoop()
	orders := &Orders{loop: loop, fleet: newFleet(loop)}
	if err := syscall.SetNonblock(syscall.Stdin, true); err != nil {
		log.Fatal(err)
	}
	loop.add(syscall.Stdin, orders)
	loop.run()
}

// Orders reads stdin.
type Orders struct {
	loop  *Loop
	fleet *Fleet
	begun []byte
}

func (orders *Orders) ready() {
	count, err := syscall.Read(syscall.Stdin, orders.loop.read[:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return
	}
	if err != nil || count == 0 {
		// Whoever gave the orders is gone: nobody waits for what is still under way.
		pprof.StopCPUProfile()
		os.Exit(0)
	}
	orders.begun = append(orders.begun, orders.loop.read[:count]...)
	for {
		line, rest, isWhole := bytes.Cut(orders.begun, []byte("\n"))
		if !isWhole {
			return
		}
		var order Order
		if err := json.Unmarshal(line, &order); err != nil {
			log.Fatal(err)
		}
		orders.begun = rest
		orders.fleet.do(order)
	}
}

func answer(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}
