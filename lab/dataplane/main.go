// Command dataplane has what the traffic lab runs beside a control plane, in one binary, for tests.
//
// The first argument picks the part, the rest are its flags and arguments:
//
//	dataplane dns --bind ADDRESS --kubeconfig FILE
//	dataplane pod NAME --ports PORT,...
//	dataplane call [--rate N] [--count N] [--timeout DURATION] [--family 4|6] URL...
//	dataplane resolve NAME
//	dataplane relay --to ADDRESS,... NAMESPACE...
//
// Each ends on SIGTERM and SIGINT. What goes wrong is one line on stderr and exit code 1, a wrong command line is 2.
// A module of its own: CoreDNS needs other versions of some modules than the control planes do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
)

// A command runs with its arguments until its work is done or the context ends.
type command struct {
	usage string
	run   func(ctx context.Context, arguments []string) error
}

// commands maps the first argument to what it starts.
var commands = map[string]command{
	"dns":     {"dns --bind ADDRESS,... --kubeconfig FILE", serveDNS},
	"pod":     {"pod NAME --ports PORT,...", servePod},
	"call":    {"call [--rate N] [--count N] [--timeout DURATION] [--family 4|6] URL...", call},
	"resolve": {"resolve NAME", resolve},
	"relay":   {"relay --to ADDRESS,... NAMESPACE...", relay},
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]].run == nil {
		fmt.Fprintln(os.Stderr, "usage: dataplane dns|pod|call|resolve|relay ...")
		os.Exit(2)
	}
	chosen := commands[os.Args[1]]
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := chosen.run(ctx, os.Args[2:])
	stop()
	var wrong usageError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "dataplane: %v; usage: dataplane %s\n", err, chosen.usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "dataplane %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// A usageError says what is wrong with the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// parse reads the flags, which may stand before, between, and behind the arguments, and returns the arguments.
func parse(flags *pflag.FlagSet, arguments []string) ([]string, error) {
	if err := flags.Parse(arguments); err != nil {
		return nil, usageError(err.Error())
	}
	return flags.Args(), nil
}

// newFlags returns a set of flags that leaves it to main to tell what is wrong with them.
func newFlags(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.Usage = func() {}
	return flags
}
