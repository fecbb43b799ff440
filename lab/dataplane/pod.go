package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Answers take no time, so only a connection without a request can hold a pod back when it is to end.
const shutdownLimit = time.Second

// A pod answers on some ports, each with HTTP over TCP and with UDP, on all addresses of both families.
type pod struct {
	name    string
	servers []*http.Server
	sockets []*net.UDPConn
	failed  chan error
}

// servePod answers until the context ends, and then finishes the answers that it has begun.
func servePod(ctx context.Context, arguments []string) error {
	flags := newFlags("pod")
	ports := flags.UintSlice("ports", nil, "ports to answer on")
	rest, err := parse(flags, arguments)
	if err != nil {
		return err
	}
	if len(rest) != 1 || len(*ports) == 0 {
		return usageError("one name and --ports are needed")
	}
	pod := &pod{name: rest[0], failed: make(chan error)}
	for _, port := range *ports {
		if err := pod.open(port); err != nil {
			return err
		}
	}
	select {
	case err := <-pod.failed:
		return err
	case <-ctx.Done():
		return pod.close()
	}
}

// open begins to answer on the port. Without a host part, Go listens on the addresses of both families.
func (p *pod) open(port uint) error {
	address := fmt.Sprintf(":%d", port)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p.handler(port), ReadHeaderTimeout: 10 * time.Second}
	server.SetKeepAlivesEnabled(false) // each answer says "Connection: close"
	p.servers = append(p.servers, server)
	p.sockets = append(p.sockets, socket.(*net.UDPConn))
	go func() { p.end(server.Serve(listener), http.ErrServerClosed) }()
	go func() { p.end(p.answerDatagrams(socket.(*net.UDPConn), port), net.ErrClosed) }()
	return nil
}

func (p *pod) handler(port uint) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		caller, err := netip.ParseAddrPort(request.RemoteAddr)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(writer, p.line(port, caller))
	})
}

func (p *pod) answerDatagrams(socket *net.UDPConn, port uint) error {
	question := make([]byte, 1500)
	for {
		_, caller, err := socket.ReadFromUDPAddrPort(question)
		if err != nil {
			return err
		}
		// An answer that cannot be sent is one more lost datagram: the caller sees it.
		socket.WriteToUDPAddrPort([]byte(p.line(port, caller)), caller)
	}
}

func (p *pod) line(port uint, caller netip.AddrPort) string {
	return fmt.Sprintf("%s %d %s\n", p.name, port, caller.Addr().Unmap())
}

// end passes on why a server stopped, unless we stopped it.
func (p *pod) end(err, stopped error) {
	if !errors.Is(err, stopped) {
		p.failed <- err
	}
}

func (p *pod) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	var problems []error
	for _, socket := range p.sockets {
		problems = append(problems, socket.Close())
	}
	for _, server := range p.servers {
		if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
