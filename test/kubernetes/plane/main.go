// The control plane that test/kubernetes/plane.ts runs: etcd, Kubernetes' own programs, and kwok for the nodes, in one
// program, because linking them once takes a fraction of the time and of the disk that five programs would.
// Usage: plane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kwok|kubelet [FLAG…]
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: plane COMPONENT [FLAG…]")
	}
	name := os.Args[1]
	// each reads the flags of its own where a program's are
	os.Args = os.Args[1:]
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		nodes()
	case "kubelet":
		fail(serveKubelet(os.Args[1:]).Error())
	default:
		fail(fmt.Sprintf("no component %q", name))
	}
}

// nodes runs kwok, which takes its stages from the files that --config names before its command is made.
func nodes() {
	// Kubernetes' programs have put a --version of another kind there
	pflag.CommandLine = pflag.NewFlagSet("kwok", pflag.ContinueOnError)
	global := pflag.NewFlagSet("global", pflag.ContinueOnError)
	global.ParseErrorsWhitelist.UnknownFlags = true
	ctx, _ := log.InitFlags(context.Background(), global)
	ctx, err := config.InitFlags(ctx, global)
	if err != nil {
		fail(err.Error())
	}
	command := kwok.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(global)
	if err := command.ExecuteContext(ctx); err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
