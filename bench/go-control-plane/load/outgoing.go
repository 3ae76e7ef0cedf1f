package main

import (
	"bytes"
	"syscall"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What a client says first: the preface, its settings and windows, and the headers of its call.
func opening(address string) []byte {
	var out, block bytes.Buffer
	headers := hpack.NewEncoder(&block)
	for _, each := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", method}, {":authority", address},
		{"content-type", "application/grpc"}, {"user-agent", "detour-bench"}, {"te", "trailers"},
	} {
		_ = headers.WriteField(hpack.HeaderField{Name: each[0], Value: each[1]})
	}
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, nil)
	_ = framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	_ = framer.WriteWindowUpdate(0, window-defaultWindow)
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: streamID, BlockFragment: block.Bytes(), EndHeaders: true})
	return out.Bytes()
}

func appendHead(out []byte, length int, kind http2.FrameType, flags http2.Flags, stream uint32) []byte {
	return append(out, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags),
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

// Writes what there is to say, in frames, as far as the server and the socket take it.
func (connection *Connection) flush() {
	for !connection.isOver {
		out := connection.unsent
		if len(out) == 0 {
			out = connection.frames()
		}
		if len(out) == 0 {
			return
		}
		count, err := syscall.Write(connection.fd, out)
		wasWaiting := len(connection.unsent) > 0
		switch {
		case err == syscall.EAGAIN || err == syscall.EINTR:
			count = 0
		case err != nil:
			connection.end(err)
			return
		}
		if count < len(out) {
			connection.unsent = bytes.Clone(out[count:])
			connection.loop.wantRoom(connection.fd, true)
			return
		}
		connection.unsent = nil
		if wasWaiting {
			connection.loop.wantRoom(connection.fd, false)
		}
	}
}

// What may be said now, put together.
func (connection *Connection) frames() []byte {
	out := append(connection.loop.write[:0], connection.control...)
	connection.control = connection.control[:0]
	for connection.framed < len(connection.queue) && len(out)+headLength+maxFrame <= chunk {
		size := min(len(connection.queue)-connection.framed, connection.room, connection.streamRoom, maxFrame)
		if size <= 0 {
			return out
		}
		out = appendHead(out, size, http2.FrameData, 0, streamID)
		out = append(out, connection.queue[connection.framed:connection.framed+size]...)
		connection.framed += size
		connection.room -= size
		connection.streamRoom -= size
	}
	if connection.framed == len(connection.queue) {
		connection.queue, connection.framed = connection.queue[:0], 0
		if cap(connection.queue) > maxFrame {
			connection.queue = nil
		}
	}
	return out
}
