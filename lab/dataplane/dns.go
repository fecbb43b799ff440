package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"github.com/miekg/dns"
)

// plugins are all that the Corefile uses, in the order in which they see a question.
var plugins = []string{"bind", "errors", "kubernetes", "nothing"}

// corefile is the part of a cluster's usual Corefile that answers for the cluster's own names. Nobody may keep an
// answer, so that a caller sees each change at once. Other names do not exist: without the second block, CoreDNS would
// refuse the question, and a resolver that tries its search list would report that instead of the missing name.
const corefile = `cluster.local in-addr.arpa ip6.arpa {
	bind %[1]s
	errors
	kubernetes {
		kubeconfig %[2]q
		ttl 0
	}
}
. {
	bind %[1]s
	errors
	nothing
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
	plugin.Register("nothing", setUpNothing)
	if err := dnsserver.SetDirectives(plugins); err != nil {
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

// setUpNothing adds our own plugin, which says about each name that there is none. CoreDNS's plugin template could say
// it, too, but needs a good many more modules.
func setUpNothing(controller *caddy.Controller) error {
	handler := func(_ context.Context, writer dns.ResponseWriter, question *dns.Msg) (int, error) {
		return dns.RcodeSuccess, writer.WriteMsg(new(dns.Msg).SetRcode(question, dns.RcodeNameError))
	}
	dnsserver.GetConfig(controller).AddPlugin(func(plugin.Handler) plugin.Handler { return plugin.HandlerFunc(handler) })
	return nil
}
