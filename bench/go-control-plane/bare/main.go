// The least that a change costs any server: one thread writes the same bytes to every connection, and another process, of one
// thread too, reads and answers them. No xDS, no HTTP/2, nothing to work out. Prints one line of JSON, times in ms.
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"syscall"
	"time"
)

const (
	// As between the changes of the benchmark.
	pause = 20 * time.Millisecond
	// Of an acknowledgement.
	answerBytes = 80
)

// Plan is what both processes are told.
type Plan struct {
	connections, bytes, rounds, window int
}

func main() {
	var plan Plan
	flag.IntVar(&plan.connections, "connections", 200, "")
	flag.IntVar(&plan.bytes, "bytes", 8000, "that each is written in a round")
	flag.IntVar(&plan.rounds, "rounds", 100, "")
	flag.IntVar(&plan.window, "window", 10, "rounds of which there is one 99th percentile")
	address := flag.String("read", "", "where to read: for the second process")
	flag.Parse()
	runtime.LockOSThread()
	if *address != "" {
		plan.read(*address)
		return
	}
	plan.write()
}

func (plan Plan) write() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	reader := exec.Command(os.Args[0], "-read", listener.Addr().String(), "-connections", strconv.Itoa(plan.connections),
		"-bytes", strconv.Itoa(plan.bytes), "-rounds", strconv.Itoa(plan.rounds), "-window", strconv.Itoa(plan.window))
	reader.Stdout, reader.Stderr = os.Stdout, os.Stderr
	check(reader.Start())
	var sockets []int
	for range plan.connections {
		connection, err := listener.Accept()
		check(err)
		sockets = append(sockets, socketOf(connection))
	}
	message := make([]byte, plan.bytes)
	answer := make([]byte, answerBytes)
	for range plan.rounds {
		time.Sleep(pause)
		binary.LittleEndian.PutUint64(message, uint64(time.Now().UnixMicro()))
		for _, socket := range sockets {
			count, err := syscall.Write(socket, message)
			check(err)
			if count < len(message) {
				log.Fatal("a socket has no room for one message")
			}
		}
		// They have been answered by now, or are in a moment: reading belongs to no round.
		time.Sleep(pause)
		for _, socket := range sockets {
			_, err := syscall.Read(socket, answer)
			if err != syscall.EAGAIN {
				check(err)
			}
		}
	}
	check(reader.Wait())
}

func (plan Plan) read(address string) {
	epoll, err := syscall.EpollCreate1(0)
	check(err)
	for range plan.connections {
		connection, err := net.Dial("tcp", address)
		check(err)
		socket := socketOf(connection)
		check(syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, socket, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(socket)}))
	}
	events := make([]syscall.EpollEvent, 256)
	heads := make(map[int32][]byte, plan.connections)
	buffer := make([]byte, 64<<10)
	answer := make([]byte, answerBytes)
	var all []float64
	for len(all) < plan.rounds*plan.connections {
		count, err := syscall.EpollWait(epoll, events, -1)
		if err == syscall.EINTR {
			continue
		}
		check(err)
		for _, event := range events[:count] {
			size, err := syscall.Read(int(event.Fd), buffer)
			if err == syscall.EAGAIN {
				continue
			}
			check(err)
			whole := append(heads[event.Fd], buffer[:size]...)
			if len(whole) < plan.bytes {
				heads[event.Fd] = whole
				continue
			}
			heads[event.Fd] = whole[:0]
			written := int64(binary.LittleEndian.Uint64(whole))
			all = append(all, float64(time.Now().UnixMicro()-written)/1000)
			_, err = syscall.Write(int(event.Fd), answer)
			check(err)
		}
	}
	plan.tell(all)
}

// Of all arrivals in their order.
func (plan Plan) tell(all []float64) {
	var lasts, p99s []float64
	for from := 0; from < len(all); from += plan.connections {
		lasts = append(lasts, quantile(all[from:from+plan.connections], 1))
	}
	each := plan.window * plan.connections
	for from := 0; from+each <= len(all); from += each {
		p99s = append(p99s, quantile(all[from:from+each], 0.99))
	}
	line, err := json.Marshal(map[string]float64{
		"last": quantile(lasts, 0.5), "p99": quantile(p99s, 0.5), "lowest": quantile(p99s, 0), "highest": quantile(p99s, 1),
	})
	check(err)
	fmt.Println(string(line))
}

func quantile(values []float64, share float64) float64 {
	sorted := append([]float64{}, values...)
	sort.Float64s(sorted)
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*share))]
}

// Not blocking, and not Go's any more.
func socketOf(connection net.Conn) int {
	file, err := connection.(*net.TCPConn).File()
	check(err)
	check(connection.Close())
	socket := int(file.Fd())
	check(syscall.SetNonblock(socket, true))
	kept = append(kept, file)
	return socket
}

// A file that nobody holds is closed.
var kept []*os.File

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
