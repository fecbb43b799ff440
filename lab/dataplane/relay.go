package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// The main goroutine keeps the main thread, so that listenInside never gets it: what a process shows as its network
// namespace is that of its main thread.
func init() { runtime.LockOSThread() }

// relay listens inside each namespace on the addresses of --to, and passes each connection on to the same address
// outside. So a server that listens only on the loopback of the machine has the same URL inside.
//
// A listener keeps its namespace alive, even after `ip netns delete`, until the relay ends.
func relay(ctx context.Context, arguments []string) error {
	flags := newFlags("relay")
	targets := flags.StringSlice("to", nil, "addresses with ports, the same inside and outside")
	namespaces, err := parse(flags, arguments)
	if err != nil {
		return err
	}
	if len(*targets) == 0 || len(namespaces) == 0 {
		return usageError("--to and paths of namespaces are needed")
	}
	failed := make(chan error)
	for _, namespace := range namespaces {
		for _, target := range *targets {
			listener, err := listenInside(namespace, target)
			if err != nil {
				return fmt.Errorf("%s: %w", namespace, err)
			}
			go func() { failed <- passOn(listener, target) }()
		}
	}
	fmt.Println("ready")
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// listenInside listens in another network namespace. Only the thread that makes the socket goes there, and it ends with
// its goroutine because it stays locked; the way back may be forbidden.
func listenInside(namespace, address string) (listener net.Listener, err error) {
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread()
		if err = enter(namespace); err == nil {
			listener, err = net.Listen("tcp", address)
		}
	})
	done.Wait()
	return listener, err
}

func enter(namespace string) error {
	file, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer file.Close()
	return os.NewSyscallError("setns", unix.Setns(int(file.Fd()), unix.CLONE_NEWNET))
}

func passOn(listener net.Listener, target string) error {
	for {
		inside, err := listener.Accept()
		if err != nil {
			return err
		}
		go join(inside.(*net.TCPConn), target)
	}
}

// join copies both ways until both have ended. A server that cannot be reached looks inside like one that hangs up.
func join(inside *net.TCPConn, target string) {
	defer inside.Close()
	connection, err := net.Dial("tcp", target)
	if err != nil {
		inside.SetLinger(0)
		return
	}
	outside := connection.(*net.TCPConn)
	defer outside.Close()
	var both sync.WaitGroup
	both.Go(func() { copyOneWay(outside, inside) })
	both.Go(func() { copyOneWay(inside, outside) })
	both.Wait()
}

// copyOneWay passes the end of the data on, and leaves the other way open. After an error, neither way is of use.
func copyOneWay(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}
