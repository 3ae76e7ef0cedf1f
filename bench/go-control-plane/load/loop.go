package main

import (
	"log"
	"syscall"
	"time"
)

// As many bytes are read from a socket at once, and written to it.
const chunk = 64 << 10

// Reader is told when its descriptor has something to read, or room for what waits to be written.
type Reader interface {
	ready()
}

// Loop is the one thread that does everything: nothing is locked, and nobody is woken but by bytes that came.
type Loop struct {
	epoll   int
	readers map[int32]Reader
	timers  []timer
	// What was read last; whoever is told of it is done with it before the next one.
	read [chunk]byte
	// What is put together to be written.
	write [chunk]byte
	rooms Rooms
}

type timer struct {
	at  time.Time
	run func()
}

func newLoop() *Loop {
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		log.Fatal(err)
	}
	return &Loop{epoll: epoll, readers: map[int32]Reader{}}
}

func (loop *Loop) add(fd int, reader Reader) {
	loop.readers[int32(fd)] = reader
	loop.control(syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN)
}

// Whether there is something to be written as soon as there is room.
func (loop *Loop) wantRoom(fd int, isWanted bool) {
	events := uint32(syscall.EPOLLIN)
	if isWanted {
		events |= syscall.EPOLLOUT
	}
	loop.control(syscall.EPOLL_CTL_MOD, fd, events)
}

func (loop *Loop) remove(fd int) {
	delete(loop.readers, int32(fd))
	loop.control(syscall.EPOLL_CTL_DEL, fd, 0)
}

func (loop *Loop) control(operation, fd int, events uint32) {
	event := syscall.EpollEvent{Events: events, Fd: int32(fd)}
	if err := syscall.EpollCtl(loop.epoll, operation, fd, &event); err != nil {
		log.Fatalf("epoll_ctl: %v", err)
	}
}

func (loop *Loop) after(delay time.Duration, run func()) {
	loop.timers = append(loop.timers, timer{time.Now().Add(delay), run})
}

func (loop *Loop) run() {
	events := make([]syscall.EpollEvent, 256)
	for {
		count, err := syscall.EpollWait(loop.epoll, events, loop.patience())
		if err != nil && err != syscall.EINTR {
			log.Fatalf("epoll_wait: %v", err)
		}
		for _, event := range events[:max(count, 0)] {
			// Another one of these events may have ended it.
			if reader := loop.readers[event.Fd]; reader != nil {
				reader.ready()
			}
		}
		loop.runTimers()
	}
}

// Until the next timer, in ms; -1: forever.
func (loop *Loop) patience() int {
	patience := -1
	for _, each := range loop.timers {
		left := max(0, int(time.Until(each.at)/time.Millisecond)+1)
		if patience < 0 || left < patience {
			patience = left
		}
	}
	return patience
}

func (loop *Loop) runTimers() {
	if len(loop.timers) == 0 {
		return
	}
	now := time.Now()
	all := loop.timers
	loop.timers = nil
	for _, each := range all {
		if each.at.After(now) {
			loop.timers = append(loop.timers, each)
		} else {
			each.run()
		}
	}
}
