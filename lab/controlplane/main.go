// Command controlplane is a Kubernetes control plane in one binary, for tests.
//
// The first argument picks the component, the rest are that component's own flags:
//
//	controlplane etcd --data-dir DIR --socket PATH
//	controlplane kube-apiserver ...
//	controlplane kube-controller-manager ...
//	controlplane kube-proxy ...
//
// Linking the components as ordinary modules gives the tests the real servers without a download of binaries and
// without a container engine. One binary, because most of what the four share is linked once (see docs/testing.md).
package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
)

// components maps a subcommand to what builds its command line.
var components = map[string]func() *cobra.Command{
	"etcd":                    etcdCommand,
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-proxy":              proxy.NewProxyCommand,
}

func main() {
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: controlplane etcd|kube-apiserver|kube-controller-manager|kube-proxy [flags]")
		os.Exit(2)
	}
	command := components[os.Args[1]]()
	// The components parse os.Args themselves; give each the arguments it would have had as a program of its own.
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command))
}

func etcdCommand() *cobra.Command {
	var dataDir, socket string
	command := &cobra.Command{
		Use:          "etcd",
		SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error {
			return serveEtcd(etcdConfig(dataDir, socket))
		},
	}
	command.Flags().StringVar(&dataDir, "data-dir", "", "folder for the data")
	command.Flags().StringVar(&socket, "socket", "", "absolute path of the Unix socket that clients connect to")
	return command
}

func serveEtcd(config *embed.Config) error {
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer etcd.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-stop:
		return nil
	case err := <-etcd.Err():
		return err
	case <-time.After(24 * time.Hour): // no test runs longer: an etcd that was forgotten ends by itself
		return nil
	}
}

// etcdConfig trades durability for speed: the data is gone with the test anyway. Only a Unix socket in a private folder
// is open: no port to collide with another run, and nobody else on the machine reads what is stored.
func etcdConfig(dataDir, socket string) *embed.Config {
	config := embed.NewConfig()
	config.Dir = dataDir
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.ListenClientUrls = []url.URL{{Scheme: "unix", Path: socket}}
	config.ListenPeerUrls = nil // a cluster of one; the advertised addresses keep their defaults and nobody uses them
	return config
}
