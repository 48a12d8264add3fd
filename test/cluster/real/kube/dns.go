package main

import (
	"os"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

// dns COREFILE: CoreDNS with the few of its plugins that a cluster's names need.
func dns(args []string) error {
	corefile, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	os.Args = os.Args[:1]
	caddy.AppName, caddy.Quiet = "CoreDNS", true
	instance, err := caddy.Start(caddy.CaddyfileInput{Contents: corefile, Filepath: args[0], ServerTypeName: "dns"})
	if err != nil {
		return err
	}
	instance.Wait()
	return nil
}
