package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	method = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
	// Of bytes that the server may send before they are read: of the stream, and of the connection.
	window        = 16 << 20
	defaultWindow = 64<<10 - 1
	maxFrame      = 16 << 10
	headLength    = 9
	streamID      = 1
)

// Connection is one of HTTP/2 with one call of gRPC on it. It does what a client has to, and no more: settings, windows,
// pings, messages out and in.
type Connection struct {
	loop *Loop
	fd   int
	// Told of each message, which is lent, and of the end.
	onMessage func(message []byte) error
	onEnd     func(err error)
	isOver    bool

	// The frame that is being read.
	head    [headLength]byte
	headed  int
	left    int
	payload []byte
	headers *hpack.Decoder
	status  string
	// Bytes that were read since the server was last told so.
	used     int
	messages Messages

	// Frames that are about the connection.
	control []byte
	// Messages, and how much of them is in frames already.
	queue  []byte
	framed int
	// Frames that the socket had no room for.
	unsent []byte
	// What the server still takes: on the connection, on the stream; and its idea of the latter at first.
	room, streamRoom, initialRoom int
}

func dial(loop *Loop, address string, onMessage func([]byte) error, onEnd func(error)) (*Connection, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())})
	if err != nil && err != syscall.EINPROGRESS {
		syscall.Close(fd)
		return nil, err
	}
	connection := &Connection{
		loop: loop, fd: fd, onMessage: onMessage, onEnd: onEnd, messages: Messages{rooms: &loop.rooms},
		// It has room when it is connected.
		unsent: opening(address),
		room:   defaultWindow, streamRoom: defaultWindow, initialRoom: defaultWindow,
	}
	connection.headers = hpack.NewDecoder(4096, func(field hpack.HeaderField) {
		if field.Name == "grpc-status" || field.Name == "grpc-message" || (field.Name == ":status" && field.Value != "200") {
			connection.status += field.Name + " " + field.Value + " "
		}
	})
	loop.add(fd, connection)
	loop.wantRoom(fd, true)
	return connection, nil
}

func (connection *Connection) ready() {
	if len(connection.unsent) > 0 {
		connection.flush()
	}
	if connection.isOver {
		return
	}
	count, err := syscall.Read(connection.fd, connection.loop.read[:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return
	case err == nil && count == 0:
		err = io.ErrUnexpectedEOF
	case err == nil:
		err = connection.push(connection.loop.read[:count])
	}
	if err != nil {
		connection.end(err)
		return
	}
	connection.flush()
}

// Nothing more is read or said; the server is not told.
func (connection *Connection) close() {
	if connection.isOver {
		return
	}
	connection.isOver = true
	connection.loop.remove(connection.fd)
	syscall.Close(connection.fd)
}

// What comes is left in the socket from now on.
func (connection *Connection) stall() {
	connection.isOver = true
	connection.loop.remove(connection.fd)
}

func (connection *Connection) end(err error) {
	if !connection.isOver {
		connection.close()
		connection.onEnd(err)
	}
}

// Reads frames, whole or in pieces.
func (connection *Connection) push(bytes []byte) error {
	for len(bytes) > 0 {
		if connection.headed < headLength {
			count := copy(connection.head[connection.headed:], bytes)
			bytes = bytes[count:]
			connection.headed += count
			if connection.headed < headLength {
				return nil
			}
			connection.left = int(connection.head[0])<<16 | int(connection.head[1])<<8 | int(connection.head[2])
			if connection.left > maxFrame {
				return errors.New("a frame is too long")
			}
		}
		piece := bytes[:min(connection.left, len(bytes))]
		bytes = bytes[len(piece):]
		connection.left -= len(piece)
		if kind := http2.FrameType(connection.head[3]); kind == http2.FrameData {
			if err := connection.data(piece); err != nil {
				return err
			}
		} else if connection.payload = append(connection.payload, piece...); connection.left > 0 {
			continue
		}
		if connection.left > 0 {
			continue
		}
		if err := connection.frame(http2.FrameType(connection.head[3]), http2.Flags(connection.head[4])); err != nil {
			return err
		}
		connection.headed, connection.payload = 0, connection.payload[:0]
	}
	return nil
}

func (connection *Connection) data(piece []byte) error {
	connection.used += len(piece)
	if connection.used > window/4 {
		connection.widen(0)
		connection.widen(streamID)
		connection.used = 0
	}
	return connection.messages.push(piece, connection.onMessage)
}

func (connection *Connection) widen(stream uint32) {
	connection.control = appendHead(connection.control, 4, http2.FrameWindowUpdate, 0, stream)
	connection.control = binary.BigEndian.AppendUint32(connection.control, uint32(connection.used))
}

// A frame has come whole; of DATA the end is left.
func (connection *Connection) frame(kind http2.FrameType, flags http2.Flags) error {
	payload := connection.payload
	switch kind {
	case http2.FrameData:
		if flags&(http2.FlagDataPadded|http2.FlagDataEndStream) != 0 {
			return errors.New("DATA with padding, or at the end of a call")
		}
	case http2.FrameHeaders:
		if flags&http2.FlagHeadersEndHeaders == 0 || flags&(http2.FlagHeadersPadded|http2.FlagHeadersPriority) != 0 {
			return errors.New("HEADERS that nobody needs to send")
		}
		if _, err := connection.headers.Write(payload); err != nil {
			return err
		}
		if flags&http2.FlagHeadersEndStream != 0 || connection.status != "" {
			return fmt.Errorf("the server ended the call: %s", connection.status)
		}
	case http2.FrameSettings:
		return connection.settings(flags, payload)
	case http2.FramePing:
		if flags&http2.FlagPingAck == 0 {
			connection.control = appendHead(connection.control, len(payload), http2.FramePing, http2.FlagPingAck, 0)
			connection.control = append(connection.control, payload...)
		}
	case http2.FrameWindowUpdate:
		more := int(binary.BigEndian.Uint32(payload))
		if connection.head[8] == 0 {
			connection.room += more
		} else {
			connection.streamRoom += more
		}
	case http2.FrameRSTStream:
		return fmt.Errorf("the server reset the call: %v", http2.ErrCode(binary.BigEndian.Uint32(payload)))
	case http2.FrameGoAway:
		// The call goes on until the server ends it.
	default:
		return fmt.Errorf("a frame of type %v", kind)
	}
	return nil
}

func (connection *Connection) settings(flags http2.Flags, payload []byte) error {
	if flags&http2.FlagSettingsAck != 0 {
		return nil
	}
	for ; len(payload) >= 6; payload = payload[6:] {
		if value := int(binary.BigEndian.Uint32(payload[2:])); http2.SettingID(binary.BigEndian.Uint16(payload)) == http2.SettingInitialWindowSize {
			connection.streamRoom += value - connection.initialRoom
			connection.initialRoom = value
		}
	}
	connection.control = appendHead(connection.control, 0, http2.FrameSettings, http2.FlagSettingsAck, 0)
	return nil
}
