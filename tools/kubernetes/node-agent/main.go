// node-agent stands in for a node's kubelet towards the API server: it serves `portForward`, in all the ways that
// Kubernetes' own streaming library does, and `containerLogs`. Which pods there are, a folder tells: a folder
// NAMESPACE/POD for each, with a file `address` (its IP), with a file `process` (an id) where the pod has a network
// namespace of its own, and a file CONTAINER.log for each container.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
)

// version is a hash of the sources, set by the build.
var version = "unknown"

const (
	idleTimeout     = 4 * time.Hour
	creationTimeout = 30 * time.Second
	dialTimeout     = 10 * time.Second
)

func main() {
	listen := flag.String("listen", "127.0.0.1:10250", "the address to serve HTTPS on")
	pods := flag.String("pods", "", "the folder that tells the pods")
	tellVersion := flag.Bool("version", false, "say the version and end")
	flag.Parse()
	if *tellVersion {
		fmt.Println("node-agent", version)
		return
	}
	certificate, err := ownCertificate()
	if err != nil {
		log.Fatal(err)
	}
	agent := agent{pods: *pods}
	mux := http.NewServeMux()
	for _, path := range []string{"/portForward/{namespace}/{pod}", "/portForward/{namespace}/{pod}/{uid}"} {
		mux.HandleFunc(path, agent.portForward)
	}
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", agent.containerLogs)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{
		Addr:    *listen,
		Handler: mux,
		// Streams are taken over from HTTP/1.1 connections.
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	log.Fatal(server.ListenAndServeTLS("", ""))
}

type agent struct{ pods string }

func (a agent) portForward(w http.ResponseWriter, request *http.Request) {
	options, err := portforward.NewV4Options(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := filepath.Join(request.PathValue("namespace"), request.PathValue("pod"))
	if _, err := os.Stat(filepath.Join(a.pods, name)); err != nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	uid := request.PathValue("uid")
	portforward.ServePortForward(w, request, a, name, uid, options, idleTimeout, creationTimeout, portforward.SupportedProtocols)
}

// PortForward connects a stream to a port of the pod, until one of them ends.
func (a agent) PortForward(ctx context.Context, name string, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	connection, err := a.dial(ctx, name, port)
	if err != nil {
		return err
	}
	defer connection.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(stream, connection)
		ended <- err
	}()
	go func() {
		// The client's end is told to the pod, which may go on answering.
		_, _ = io.Copy(connection, stream)
		_ = connection.CloseWrite()
	}()
	if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// dial connects as a container runtime does: to 127.0.0.1 in the pod's network namespace, if it has one of its own.
func (a agent) dial(ctx context.Context, name string, port int32) (*net.TCPConn, error) {
	host, err := a.read(name, "address")
	if err != nil {
		return nil, err
	}
	process, err := a.read(name, "process")
	if err == nil {
		leave, err := enter(process)
		if err != nil {
			return nil, err
		}
		defer leave()
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp4", net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		return nil, err
	}
	return connection.(*net.TCPConn), nil
}

// enter moves this goroutine, on its thread, into the network namespace of a process. The socket of a numeric address is
// made on the thread that asks for it.
func enter(process string) (leave func(), err error) {
	runtime.LockOSThread()
	own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer func() {
		if err != nil {
			unix.Close(own)
			runtime.UnlockOSThread()
		}
	}()
	theirs, err := unix.Open("/proc/"+process+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(theirs)
	if err = unix.Setns(theirs, unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return func() {
		if unix.Setns(own, unix.CLONE_NEWNET) == nil {
			// Else the thread stays locked, and ends with its goroutine.
			runtime.UnlockOSThread()
		}
		unix.Close(own)
	}, nil
}

func (a agent) read(name, file string) (string, error) {
	text, err := os.ReadFile(filepath.Join(a.pods, name, file))
	return strings.TrimSpace(string(text)), err
}

// containerLogs answers all there is, and with `follow` goes on until the pod or the client is gone.
func (a agent) containerLogs(w http.ResponseWriter, request *http.Request) {
	file := filepath.Join(a.pods, request.PathValue("namespace"), request.PathValue("pod"), request.PathValue("container")+".log")
	text, err := os.Open(file)
	if err != nil {
		http.Error(w, "no log of such a container", http.StatusNotFound)
		return
	}
	defer text.Close()
	follow := request.URL.Query().Get("follow") == "true"
	for {
		_, err := io.Copy(w, text)
		_, gone := os.Stat(file)
		if err != nil || gone != nil || !follow {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-request.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ownCertificate is one that nobody has to trust: the API server takes a kubelet's as it is unless told otherwise.
func ownCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"node"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, err
}
