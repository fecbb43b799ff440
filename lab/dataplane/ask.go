package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// An answer is what a pod says.
type answer struct {
	by     string
	port   int
	seenAs string
}

// ask calls the target once: one look-up by /etc/resolv.conf, one new connection or socket, one question. It ends by
// the deadline of the context.
func ask(ctx context.Context, target *url.URL, family string) (answer, error) {
	connection, err := dial(ctx, target, family)
	if err != nil {
		return answer{}, err
	}
	defer connection.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := connection.SetDeadline(deadline); err != nil {
			return answer{}, err
		}
	}
	if target.Scheme == "udp" {
		return askByDatagram(connection)
	}
	return askByHTTP(connection, target)
}

func dial(ctx context.Context, target *url.URL, family string) (net.Conn, error) {
	dialer := net.Dialer{Resolver: &net.Resolver{PreferGo: true}}
	network, port := "tcp", target.Port()
	if target.Scheme == "udp" {
		network = "udp"
	} else if port == "" {
		port = "80"
	}
	return dialer.DialContext(ctx, network+family, net.JoinHostPort(target.Hostname(), port))
}

// askByDatagram sends one datagram and waits for one. Nothing is sent again: a lost datagram is a failed call.
func askByDatagram(connection net.Conn) (answer, error) {
	if _, err := connection.Write([]byte("who?\n")); err != nil {
		return answer{}, err
	}
	reply := make([]byte, 1500)
	size, err := connection.Read(reply)
	if err != nil {
		return answer{}, err
	}
	return parseAnswer(string(reply[:size]))
}

// askByHTTP speaks HTTP itself, because an http.Transport hides at which step a call has failed.
func askByHTTP(connection net.Conn, target *url.URL) (answer, error) {
	request := &http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Close: true}
	if err := request.Write(connection); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	if response.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	return parseAnswer(string(body))
}

func parseAnswer(text string) (answer, error) {
	var parsed answer
	if _, err := fmt.Sscanf(text, "%s %d %s\n", &parsed.by, &parsed.port, &parsed.seenAs); err != nil {
		return answer{}, fmt.Errorf("%.80q is no answer of a pod", text)
	}
	return parsed, nil
}
