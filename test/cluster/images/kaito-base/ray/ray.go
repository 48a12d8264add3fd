// Package ray plays what of Ray the servers on several nodes need: a head that counts who has joined, workers that find it by
// its name, and the health check.
package ray

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	defaultPort = "6379"
	// The real script gives its peers this long, and looks every five seconds.
	patience  = 5 * time.Minute
	lookEvery = 500 * time.Millisecond
	quickly   = 2 * time.Second
)

func option(words []string, name, fallback string) string {
	for i, word := range words {
		if value, found := strings.CutPrefix(word, "--"+name+"="); found {
			return value
		}
		if word == "--"+name && i+1 < len(words) {
			return words[i+1]
		}
	}
	return fallback
}

// Script is multi-node-serving.sh: `leader --ray_cluster_size=N --ray_port=P` or `worker --ray_address=A --ray_port=P`.
func Script(words []string) int {
	if len(words) == 0 {
		fmt.Println("unknown subcommand: ")
		return 1
	}
	port := option(words, "ray_port", defaultPort)
	switch words[0] {
	case "leader":
		size, err := strconv.Atoi(option(words, "ray_cluster_size", ""))
		if err != nil {
			fmt.Println("Error: Missing argument --ray_cluster_size")
			return 1
		}
		return lead(size, port)
	case "worker":
		address := option(words, "ray_address", "")
		if address == "" {
			fmt.Println("Error: Missing argument --ray_address")
			return 1
		}
		return work(address, port)
	}
	fmt.Println("unknown subcommand: " + words[0])
	return 1
}

// lead starts the head, which outlives the script, and waits for the others.
func lead(size int, port string) int {
	head := exec.Command("/proc/self/exe")
	head.Args = []string{"raylet", port}
	head.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	head.Stdout, head.Stderr = os.Stdout, os.Stderr
	if err := head.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	deadline := time.Now().Add(patience)
	seen := -1
	for time.Now().Before(deadline) {
		joined := ask("127.0.0.1", port, "alive")
		if joined == size {
			fmt.Println("All ray workers are active and the ray cluster is initialized successfully.")
			return 0
		}
		if joined != seen {
			seen = joined
			fmt.Printf("Wait for all ray workers to be active. %d/%d is active\n", max(joined, 0), size)
		}
		time.Sleep(lookEvery)
	}
	fmt.Println("Waiting for all ray workers to be active timed out.")
	return 1
}

// work joins the head by its name and stays with it; a head that is gone ends it.
func work(address, port string) int {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(address, port), quickly)
		if err != nil {
			fmt.Fprintf(os.Stderr, "ConnectionError: Could not connect to the GCS at %s:%s: %v\n", address, port, err)
			fmt.Println("Waiting until the ray worker is active...")
			time.Sleep(lookEvery)
			continue
		}
		host, _ := os.Hostname()
		fmt.Fprintf(connection, "join %s\n", host)
		fmt.Printf("Ray runtime started. Connected to %s (%s:%s)\n", connection.RemoteAddr(), address, port)
		_, _ = io.Copy(io.Discard, connection)
		fmt.Fprintln(os.Stderr, "The connection to the Ray head is lost; this node ends.")
		return 1
	}
	fmt.Printf("Ray worker starts timeout, head address: %s:%s\n", address, port)
	return 1
}

// Head counts the connections of workers: who is there, and who was and is gone.
func Head(port string) int {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var mutex sync.Mutex
	alive, dead := 1, 0
	for {
		connection, err := listener.Accept()
		if err != nil {
			return 1
		}
		go func() {
			defer connection.Close()
			line, _ := bufio.NewReader(connection).ReadString('\n')
			switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
			case "alive", "dead":
				mutex.Lock()
				defer mutex.Unlock()
				fmt.Fprintln(connection, map[string]int{"alive": alive, "dead": dead}[word])
			case "join":
				mutex.Lock()
				alive++
				mutex.Unlock()
				_, _ = io.Copy(io.Discard, connection)
				mutex.Lock()
				alive, dead = alive-1, dead+1
				mutex.Unlock()
			}
		}()
	}
}

func ask(host, port, question string) int {
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), quickly)
	if err != nil {
		return -1
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(quickly))
	fmt.Fprintln(connection, question)
	line, _ := bufio.NewReader(connection).ReadString('\n')
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return -1
	}
	return n
}

// Nodes is how many nodes are in the cluster that this one leads.
func Nodes() int { return ask("127.0.0.1", defaultPort, "alive") }

// HealthCheck is multi-node-health-check.py: the leader is ready when its server is, workers always; it lives as long as no
// node has left the cluster.
func HealthCheck(words []string) int {
	if len(words) == 0 {
		fmt.Fprintln(os.Stderr, "usage: multi-node-health-check.py [-h] {liveness,readiness} ...")
		return 2
	}
	leader := option(words, "leader-address", "")
	isLeader := os.Getenv("POD_INDEX") == "0"
	switch words[0] {
	case "readiness":
		if !isLeader {
			return 0
		}
		client := http.Client{Timeout: quickly}
		response, err := client.Get("http://" + net.JoinHostPort(leader, option(words, "vllm-port", "5000")) + "/health")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			fmt.Fprintf(os.Stderr, "Readiness probe failed: %d\n", response.StatusCode)
			return 1
		}
		return 0
	case "liveness":
		if isLeader && ask(leader, option(words, "ray-port", defaultPort), "dead") != 0 {
			fmt.Fprintln(os.Stderr, "Liveness probe failed: an actor of the job is dead")
			return 1
		}
		return 0
	}
	return 2
}
