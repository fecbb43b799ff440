package main

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// A failure is how a call has failed, in one word; the empty word if it has not.
type failure string

const (
	none            failure = ""
	refused         failure = "refused"            // also UDP, by what comes back as ICMP
	timeout         failure = "timeout"            // none of the others by the end of the time
	unreachable     failure = "unreachable"        // no route to the host or the network
	reset           failure = "reset"              // the connection ended before the answer did
	denied          failure = "denied"             // by a local packet filter
	noSuchName      failure = "no_such_name"       // DNS says so, or has no address of the family
	noAnswerFromDNS failure = "no_answer_from_dns" // DNS is away, or says that it cannot tell
	other           failure = "other"              // told in the detail; an HTTP status other than 200 above all
)

// failuresOfSystem says which word stands for an error of a system call.
var failuresOfSystem = map[syscall.Errno]failure{
	syscall.ECONNREFUSED: refused,
	syscall.ECONNRESET:   reset,
	syscall.EPIPE:        reset,
	syscall.EHOSTUNREACH: unreachable,
	syscall.ENETUNREACH:  unreachable,
	syscall.EPERM:        denied,
}

// failureOf picks the word for an error. An error of the look-up comes first: it may wrap one of a system call, which
// then tells about the path to the DNS server.
func failureOf(err error) failure {
	var lookup *net.DNSError
	var errno syscall.Errno
	var network net.Error
	switch {
	case err == nil:
		return none
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return noSuchName
	case lookup != nil:
		return noAnswerFromDNS
	case errors.As(err, &errno) && failuresOfSystem[errno] != none:
		return failuresOfSystem[errno]
	case errors.As(err, &network) && network.Timeout():
		return timeout
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return reset
	default:
		return other
	}
}
