package main

import (
	"encoding/binary"
	"errors"
)

// What gRPC puts before a message: whether it is compressed, and how long it is.
const prefixLength = 5

// Messages takes what comes on a call apart. A message that came in one piece is not copied.
type Messages struct {
	rooms *Rooms
	// The beginning of one that has not come whole.
	begun []byte
}

// Rooms are what long messages are put together in, of all connections: used again, as new ones cost the system.
type Rooms struct {
	free [][]byte
}

func (rooms *Rooms) take(size int) []byte {
	for index, room := range rooms.free {
		if cap(room) >= size {
			last := len(rooms.free) - 1
			rooms.free[index] = rooms.free[last]
			rooms.free = rooms.free[:last]
			return room[:0]
		}
	}
	return make([]byte, 0, size)
}

func (rooms *Rooms) give(room []byte) { rooms.free = append(rooms.free, room) }

func (messages *Messages) push(piece []byte, handle func(message []byte) error) error {
	for len(piece) > 0 {
		if len(messages.begun) == 0 {
			if size, isKnown := sizeOf(piece); isKnown && size <= len(piece) {
				if err := handleOne(piece[:size], handle); err != nil {
					return err
				}
				piece = piece[size:]
				continue
			}
		}
		if len(messages.begun) < prefixLength {
			count := min(prefixLength-len(messages.begun), len(piece))
			messages.begun = append(messages.begun, piece[:count]...)
			piece = piece[count:]
		}
		size, isKnown := sizeOf(messages.begun)
		if !isKnown {
			return nil
		}
		if cap(messages.begun) < size {
			messages.begun = append(messages.rooms.take(size), messages.begun...)
		}
		count := min(size-len(messages.begun), len(piece))
		messages.begun = append(messages.begun, piece[:count]...)
		piece = piece[count:]
		if len(messages.begun) < size {
			return nil
		}
		if err := handleOne(messages.begun, handle); err != nil {
			return err
		}
		messages.begun = messages.begun[:0]
		if size > maxFrame {
			messages.rooms.give(messages.begun)
			messages.begun = nil
		}
	}
	return nil
}

// Prefix included.
func sizeOf(begun []byte) (size int, isKnown bool) {
	if len(begun) < prefixLength {
		return 0, false
	}
	return prefixLength + int(binary.BigEndian.Uint32(begun[1:])), true
}

func handleOne(message []byte, handle func(message []byte) error) error {
	if message[0] != 0 {
		return errors.New("a compressed message, which nobody asked for")
	}
	return handle(message[prefixLength:])
}

// Room for the length of a message whose end is not known yet.
func beginMessage(out []byte) []byte { return append(out, 0, 0, 0, 0, 0) }

// @from where it was begun
func endMessage(out []byte, from int) []byte {
	binary.BigEndian.PutUint32(out[from+1:], uint32(len(out)-from-prefixLength))
	return out
}
