// Package control is how a test makes the programs slow or lets them fail: by JSON from an environment variable, or from a
// server that is asked again at every point where something can happen.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

// Behaviour is what a test may set. All of it is optional.
type Behaviour struct {
	// StartMs is how long Python's imports take.
	StartMs *int `json:"startMs"`
	// LoadMs is how long the weights take to be downloaded and loaded.
	LoadMs *int `json:"loadMs"`
	// StepMs is how long a training step takes.
	StepMs *int `json:"stepMs"`
	// TokenMs is how long a server thinks about a token.
	TokenMs *int `json:"tokenMs"`
	// At is a point: start, loading, loaded, step:3, saving, ready, token:5.
	At string `json:"at"`
	// Overloaded lets vLLM refuse requests because too many wait.
	Overloaded bool `json:"overloaded"`
	// Do is what happens there: exit, oom, cuda-oom, kv-cache, hang, fail.
	Do string `json:"do"`
	// ExitCode and Text belong to exit: the text goes to stderr before.
	ExitCode int    `json:"exitCode"`
	Text     string `json:"text"`
}

// Control answers what to do now.
type Control struct {
	role    string
	mutex   sync.Mutex
	current Behaviour
	askedAt time.Time
	address string
}

const (
	addressVariable   = "STAND_IN_CONTROL"
	behaviourVariable = "STAND_IN_BEHAVIOUR"
	answerWithin      = time.Second
	askAgainAfter     = 150 * time.Millisecond
)

// Open reads the environment. The role is what the server may tell programs apart by, beside the name of their pod.
func Open(role string) *Control {
	c := &Control{role: role, address: os.Getenv(addressVariable)}
	if text := os.Getenv(behaviourVariable); text != "" {
		if err := json.Unmarshal([]byte(text), &c.current); err != nil {
			fmt.Fprintf(os.Stderr, "%s is not understood: %v\n", behaviourVariable, err)
			os.Exit(70)
		}
	}
	return c
}

// Now is the behaviour at this moment. A server that cannot be reached leaves everything as it was.
func (c *Control) Now() Behaviour {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.address == "" || time.Since(c.askedAt) < askAgainAfter {
		return c.current
	}
	c.askedAt = time.Now()
	if behaviour, err := c.ask(); err == nil {
		c.current = behaviour
	}
	return c.current
}

func (c *Control) ask() (Behaviour, error) {
	var behaviour Behaviour
	host, _ := os.Hostname()
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"?role="+url.QueryEscape(c.role)+"&pod="+url.QueryEscape(host), nil)
	if err != nil {
		return behaviour, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return behaviour, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return behaviour, fmt.Errorf("the control server answers %d", response.StatusCode)
	}
	return behaviour, json.NewDecoder(response.Body).Decode(&behaviour)
}

// Port is what a server listens on: 5000 and, with several on a machine, the number of its rank.
func Port() int {
	rank, _ := strconv.Atoi(os.Getenv("LOCAL_RANK"))
	return 5000 + rank
}

// Wait sleeps as long as the behaviour says, or else as usual.
func Wait(asked *int, usual time.Duration) {
	if asked != nil {
		usual = time.Duration(*asked) * time.Millisecond
	}
	time.Sleep(usual)
}

// Reach is called at a point. It returns what the program must do itself (cuda-oom, kv-cache), or an empty text; a program
// that must hang hangs here until the behaviour changes, and one that must end does not return.
func (c *Control) Reach(point string, beforeExit func()) string {
	for {
		now := c.Now()
		if now.At != point {
			return ""
		}
		switch now.Do {
		case "hang":
			time.Sleep(askAgainAfter)
		case "exit":
			fmt.Fprint(os.Stderr, now.Text)
			beforeExit()
			os.Exit(now.ExitCode)
		case "oom":
			fillMemory()
		default:
			return now.Do
		}
	}
}

// fillMemory really takes memory, touching every page, until the kernel ends the process.
func fillMemory() {
	const block = 4 << 20
	var held [][]byte
	for {
		taken := make([]byte, block)
		for i := 0; i < len(taken); i += 4096 {
			taken[i] = 1
		}
		held = append(held, taken)
		if len(held)*block > 2<<30 {
			fmt.Fprintln(os.Stderr, "2 GiB are taken and nothing has ended this process: it needs a memory limit.")
			os.Exit(70)
		}
		time.Sleep(time.Millisecond)
	}
}
