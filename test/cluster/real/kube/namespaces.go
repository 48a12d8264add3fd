package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The run's folder as the processes of the cluster see it: always short, since a socket's path may have 107 bytes.
const runFolder = "/run/kt"

// namespaces RUN-FOLDER: starts the supervisor as the first process of namespaces of its own (processes, mounts and
// network), prints its process id and ends. Everything of the cluster runs below it, so that the kernel itself takes
// away every process, mount, interface and packet filter rule of the cluster once the supervisor is killed.
func namespaces(args []string) error {
	log, err := os.Create(filepath.Join(args[0], "log", "supervisor.log"))
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, "supervise", args[0])
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET}
	if err := command.Start(); err != nil {
		return err
	}
	fmt.Println(command.Process.Pid)
	return nil
}

// What the kubelet wants of the kernel. It is shown files that hold these values, so that it changes nothing on the machine.
var wantedTunables = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// arrangeMounts gives the cluster a /proc of its own, an empty /run (pods' network namespaces, shims' sockets, the
// packet filter's lock), its own hosts file, /var/lib and /var/log, and the run's folder at a short path. Only the
// latter is shared, so that containerd sees the volumes which a kubelet mounts in a mount namespace of its own.
func arrangeMounts(folder string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	run, err := os.Open(folder) // by descriptor, since the folder may lie in what is covered next
	if err != nil {
		return err
	}
	defer run.Close()
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	if err := os.MkdirAll(runFolder, 0o755); err != nil {
		return err
	}
	if err := bind(fmt.Sprintf("/proc/self/fd/%d", run.Fd()), runFolder); err != nil {
		return err
	}
	for name, value := range wantedTunables {
		file := filepath.Join(runFolder, "tunables", filepath.Base(name))
		if err := os.WriteFile(file, []byte(value), 0o644); err != nil {
			return err
		}
		if err := bind(file, "/proc/sys/"+name); err != nil {
			return err
		}
	}
	for _, pair := range [][2]string{{"hosts", "/etc/hosts"}, {"var-lib", "/var/lib"}, {"var-log", "/var/log"}} {
		if err := bind(filepath.Join(runFolder, pair[0]), pair[1]); err != nil {
			return err
		}
	}
	// Last, since what is bound from a shared mount is shared as well.
	if err := syscall.Mount("", runFolder, "", syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share %s: %w", runFolder, err)
	}
	return nil
}

func bind(from, to string) error {
	if err := syscall.Mount(from, to, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s over %s: %w", from, to, err)
	}
	return nil
}

// prepare [--bind FROM:TO]… [--cgroup FOLDER]… -- COMMAND…: what has to be done in the new process itself before it
// becomes the command. Its mount namespace is its own, made by the supervisor.
func prepare(args []string) error {
	for i := 0; i+1 < len(args); i += 2 {
		var err error
		switch args[i] {
		case "--":
			return syscall.Exec(args[i+1], args[i+1:], os.Environ())
		case "--bind":
			from, to, _ := strings.Cut(args[i+1], ":")
			err = bind(from, to)
		case "--cgroup":
			err = os.WriteFile(filepath.Join(args[i+1], "cgroup.procs"), []byte("0"), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("no command after --")
}
