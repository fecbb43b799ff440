package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

// corefile is the part of a cluster's usual Corefile that answers for the cluster's own names. Answers may not be kept
// by anybody, so that a caller sees each change at once.
const corefile = `cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
	bind %s
	errors
	kubernetes cluster.local in-addr.arpa ip6.arpa {
		kubeconfig %q
		ttl 0
	}
}
`

// serveDNS is the DNS of a cluster: CoreDNS with the plugins of the Corefile, and no others linked.
func serveDNS(ctx context.Context, arguments []string) error {
	flags := newFlags("dns")
	bind := flags.StringSlice("bind", nil, "addresses to answer on, port 53, UDP and TCP")
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	rest, err := parse(flags, arguments)
	if err != nil {
		return err
	}
	if len(*bind) == 0 || *kubeconfig == "" || len(rest) > 0 {
		return usageError("--bind and --kubeconfig are needed, and nothing else")
	}
	return runCoreDNS(ctx, fmt.Sprintf(corefile, strings.Join(*bind, " "), *kubeconfig))
}

func runCoreDNS(ctx context.Context, corefile string) error {
	// The order in which the plugins see a request; also the only ones that a Corefile may name.
	if err := dnsserver.SetDirectives([]string{"bind", "errors", "kubernetes"}); err != nil {
		return err
	}
	caddy.Quiet = true
	server, err := caddy.Start(caddy.CaddyfileInput{
		Filepath: "Corefile", Contents: []byte(corefile), ServerTypeName: "dns",
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return errors.Join(append(server.ShutdownCallbacks(), server.Stop())...)
}
