package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type command struct {
	Name    string   `json:"name"`
	Argv    []string `json:"argv"`
	Env     []string `json:"env"`
	Binds   []string `json:"binds"`   // FROM:TO, in a mount namespace of the process's own
	Cgroups []string `json:"cgroups"` // folders of the control groups that it joins
}

type process struct {
	Name    string `json:"name"`
	Pid     int    `json:"pid"`
	Running bool   `json:"running"`
	Status  string `json:"status,omitempty"` // how it ended
	ended   chan struct{}
}

// supervisor is the first process of the cluster's namespaces: it starts and stops the others as it is asked to over
// HTTP on a socket, and collects the orphans (containers' shims) as a first process must.
type supervisor struct {
	mutex     sync.Mutex
	processes map[string]*process
}

// supervise RUN-FOLDER
func supervise(args []string) error {
	if err := arrangeMounts(args[0]); err != nil {
		return err
	}
	listener, err := net.Listen("unix", runFolder+"/supervisor.sock")
	if err != nil {
		return err
	}
	s := &supervisor{processes: map[string]*process{}}
	go s.collect()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /processes", s.list)
	mux.HandleFunc("POST /start", s.start)
	mux.HandleFunc("POST /stop", s.stop)
	return http.Serve(listener, mux)
}

func (s *supervisor) list(w http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := []*process{}
	for _, p := range s.processes {
		all = append(all, p)
	}
	answer(w, all)
}

func (s *supervisor) start(w http.ResponseWriter, r *http.Request) {
	var wanted command
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if p, ok := s.processes[wanted.Name]; ok && p.Running {
		http.Error(w, wanted.Name+" runs already", http.StatusConflict)
		return
	}
	p, err := launch(wanted)
	if err != nil {
		http.Error(w, fmt.Sprintf("cannot start %s: %v", wanted.Name, err), http.StatusInternalServerError)
		return
	}
	s.processes[wanted.Name] = p
	answer(w, p)
}

func launch(wanted command) (*process, error) {
	log, err := os.OpenFile(runFolder+"/log/"+strings.ReplaceAll(wanted.Name, ":", "-")+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	attributes := &syscall.SysProcAttr{Setsid: true}
	argv := []string{self, "prepare"}
	for _, pair := range wanted.Binds {
		argv = append(argv, "--bind", pair)
		attributes.Cloneflags = syscall.CLONE_NEWNS
	}
	for _, folder := range wanted.Cgroups {
		argv = append(argv, "--cgroup", folder)
	}
	argv = append(append(argv, "--"), wanted.Argv...)
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: "/", Env: append(os.Environ(), wanted.Env...), Files: []uintptr{null.Fd(), log.Fd(), log.Fd()}, Sys: attributes,
	})
	if err != nil {
		return nil, err
	}
	return &process{Name: wanted.Name, Pid: pid, Running: true, ended: make(chan struct{})}, nil
}

func (s *supervisor) stop(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Name    string `json:"name"`
		GraceMs int    `json:"graceMs"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	p, ok := s.processes[wanted.Name]
	if ok && p.Running {
		// Under the lock: the process has not been collected, so its id is still its own.
		_ = syscall.Kill(p.Pid, syscall.SIGTERM)
	}
	s.mutex.Unlock()
	if !ok {
		http.Error(w, wanted.Name+" was never started", http.StatusNotFound)
		return
	}
	select {
	case <-p.ended:
	case <-time.After(time.Duration(wanted.GraceMs) * time.Millisecond):
		s.mutex.Lock()
		if p.Running {
			_ = syscall.Kill(p.Pid, syscall.SIGKILL)
		}
		s.mutex.Unlock()
		<-p.ended
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	answer(w, p)
}

// collect waits for every child, wanted or adopted. A child may end before its start has been noted: the lock makes
// the note come first.
func (s *supervisor) collect() {
	for {
		var info struct{ raw [128]byte }
		// Wait without collecting, so that the id stays taken until the lock is held.
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, 0 /* P_ALL */, 0, pointer(&info.raw), syscall.WEXITED|syscall.WNOWAIT, 0, 0)
		if errno == syscall.ECHILD {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		s.mutex.Lock()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == nil && pid > 0 {
			for _, p := range s.processes {
				if p.Running && p.Pid == pid {
					p.Running, p.Status = false, describe(status)
					close(p.ended)
				}
			}
		}
		s.mutex.Unlock()
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "ended by " + status.Signal().String()
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func pointer(raw *[128]byte) uintptr { return uintptr(unsafe.Pointer(raw)) }
