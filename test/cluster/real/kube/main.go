// One binary with what a Kubernetes cluster consists of, chosen by the first argument. They are the real programs:
// their own commands, of their own modules, are run with the arguments that follow.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// The cluster's own small programs, beside the real ones.
var programs = map[string]func(args []string) error{
	"certificates":  certificates,
	"compact":       compact,
	"device-plugin": devicePlugin,
	"dns":           dns,
	"namespaces":    namespaces,
	"prepare":       prepare,
	"supervise":     supervise,
}

func main() {
	if len(os.Args) < 2 {
		fail("name one of the programs in this binary")
	}
	name, args := os.Args[1], os.Args[2:]
	if program, ok := programs[name]; ok {
		if err := program(args); err != nil {
			fail(name + ": " + err.Error())
		}
		return
	}
	os.Args = os.Args[1:] // the real programs look at their own name and flags
	var command *cobra.Command
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
		return
	case "kube-apiserver":
		command = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		command = controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		command = scheduler.NewSchedulerCommand()
	case "kube-proxy":
		command = proxy.NewProxyCommand()
	case "kubelet":
		command = kubelet.NewKubeletCommand(context.Background())
	default:
		fail("no program is called " + name)
	}
	command.SetArgs(args)
	os.Exit(cli.Run(command))
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
