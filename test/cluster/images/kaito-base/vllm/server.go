// Package vllm plays KAITO's wrapper around vLLM 0.25.1: its flags, its log, its OpenAI API and the ways it fails to start.
package vllm

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kaito-base/control"
	"kaito-base/python"
	"kaito-base/ray"
)

//go:embed deaths/*.txt
var deaths embed.FS

type server struct {
	*settings
	control *control.Control
	metrics *metrics
}

const (
	apiProcess    = "(APIServer pid=7)"
	engineProcess = "(EngineCore pid=93)"
)

func now() string { return time.Now().UTC().Format("01-02 15:04:05") }

func logLine(process, level, place, text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Printf("%s %s %s [%s] %s\n", process, level, now(), place, line)
	}
}

func kaito(level string, line int, text string) {
	fmt.Fprintf(os.Stderr, "%s %s inference_api.py:%d] %s\n", level, now(), line, text)
}

// die writes a recorded traceback of the API process on stderr; the values fill what is open in it.
func die(name string, values ...string) int {
	text := recorded(name, values)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintf(os.Stderr, "%s %s\n", apiProcess, line)
	}
	return 1
}

func recorded(name string, values []string) string {
	content, err := deaths.ReadFile("deaths/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	text := string(content)
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, "{"+values[i]+"}", values[i+1])
	}
	return text
}

var port = control.Port()

// Main serves until SIGTERM. The result is the exit code.
func Main(words []string) int {
	s := &server{control: control.Open("vllm")}
	s.control.Reach("start", func() {})
	control.Wait(s.control.Now().StartMs, 300*time.Millisecond)
	read, complaint, exception := read(words)
	if complaint != "" {
		fmt.Fprintf(os.Stderr, "%sinference_api.py: error: %s\n", usage, complaint)
		return 2
	}
	if exception != "" {
		fmt.Fprintf(os.Stderr, "Traceback (most recent call last):\n  File \"/workspace/vllm/inference_api.py\", line 661, in <module>\n%s\n", exception)
		return 1
	}
	s.settings, s.metrics = read, newMetrics(read.served[0])
	s.banner()
	if filepath.IsAbs(s.model) {
		if _, err := os.Stat(filepath.Join(s.model, "config.json")); err != nil {
			return die("model-path-missing", "detail", s.model)
		}
	}
	if s.derived > 0 && s.length > s.derived {
		return die("max-model-len-too-big", "asked", fmt.Sprint(s.length), "derived", fmt.Sprint(s.derived))
	}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if code := s.load(ended); code != 0 {
		return code
	}
	return s.serve(ended)
}

func (s *server) banner() {
	logLine(apiProcess, "INFO", "api_utils.py:339", fmt.Sprintf("\n       █     █     █▄   ▄█\n ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.25.1\n  █▄█▀ █     █     █     █  model   %s\n   ▀▀  ▀▀▀▀▀ ▀▀▀▀▀ ▀     ▀\n", s.model))
	names := make([]python.Value, len(s.served))
	for i, name := range s.served {
		names[i] = name
	}
	logLine(apiProcess, "INFO", "api_utils.py:273", fmt.Sprintf("non-default args: {'port': %d, 'uvicorn_log_level': 'error', 'middleware': ['rate_limit.RateLimitMiddleware'], 'model': %s, 'served_model_name': %s}", port, python.Repr(s.model), python.Repr(names)))
	kaito("INFO", 423, "Loading LoRA adapters from "+s.flags.last("kaito-adapters-dir", "/mnt/adapter"))
	kaito("INFO", 518, "kv_cache_cpu_memory_utilization is not set, do not use KV cache offload to CPU RAM.")
	kaito("INFO", 557, fmt.Sprintf("Starting server on port %d", port))
}

// load brings the engine up, with the small server in front of it that answers while weights are downloaded.
func (s *server) load(ended context.Context) int {
	if !filepath.IsAbs(s.model) {
		early, err := startEarly(s.metrics)
		if err != nil {
			fmt.Fprintln(os.Stderr, "OSError: [Errno 98] Address already in use")
			return 1
		}
		defer func() {
			early.Close()
			fmt.Fprintf(os.Stderr, "%s INFO %s inference_api.py:628] Pre-download metrics server stopped; vLLM taking over port %d\n", apiProcess, now(), port)
		}()
		kaito("INFO", 611, fmt.Sprintf("Pre-download metrics server listening on port %d", port))
	}
	logLine(apiProcess, "INFO", "model.py:1776", fmt.Sprintf("Using max model len %d", s.length))
	logLine(engineProcess, "INFO", "core.py:114", fmt.Sprintf("Initializing a V1 LLM engine (v0.25.1) with config: model=%s", python.Repr(s.model)))
	if s.onRay && !s.joinRay(ended) {
		return 1
	}
	s.control.Reach("loading", func() {})
	if !s.download(ended) {
		return 0
	}
	if s.control.Reach("loaded", func() {}) == "kv-cache" {
		const available, perTokenGiB = 1.53, 0.00012
		values := []string{"asked", fmt.Sprint(s.length), "needed", fmt.Sprintf("%.2f", float64(s.length)*perTokenGiB), "available", fmt.Sprint(available), "fits", fmt.Sprint(int(available / perTokenGiB))}
		logLine(engineProcess, "ERROR", "core.py:1231", recorded("kv-too-small.engine", values))
		return die("kv-too-small")
	}
	if s.autoLength {
		logLine(engineProcess, "INFO", "kv_cache_utils.py:1946", fmt.Sprintf("Auto-fit max_model_len: full model context length %d fits in available GPU memory", s.length))
	}
	logLine(engineProcess, "INFO", "kv_cache_utils.py:2146", fmt.Sprintf("GPU KV cache size: %s tokens", python.Thousands(int64(4*s.length))))
	logLine(engineProcess, "INFO", "kv_cache_utils.py:2147", fmt.Sprintf("Maximum concurrency for %s tokens per request: 4.00x", python.Thousands(int64(s.length))))
	logLine(engineProcess, "INFO", "core.py:344", "init engine (profile, create kv cache, warmup model) took 0.51 s")
	fmt.Fprintf(os.Stderr, "%s INFO %s inference_api.py:648] Rate limit guard active: threshold 128\n", apiProcess, now())
	logLine(apiProcess, "INFO", "api_server.py:612", "Supported tasks: ['generate']")
	return s.loadAdapters()
}

func (s *server) loadAdapters() int {
	for _, each := range s.adapters {
		refused := ""
		switch {
		case !s.loraEnabled:
			refused = "LoRA is not enabled. Use --enable-lora to enable LoRA."
		case each.rank == 0:
			refused = fmt.Sprintf("Loading lora %s failed: No adapter found for %s", each.name, each.path)
		case each.rank > s.maxRank:
			refused = fmt.Sprintf("LoRA rank %d is greater than max_lora_rank %d.", each.rank, s.maxRank)
		}
		if refused == "" {
			logLine(apiProcess, "INFO", "serving.py:216", fmt.Sprintf("Loaded new LoRA adapter: name %s, path %s", python.Repr(each.name), python.Repr(each.path)))
			continue
		}
		logLine(engineProcess, "ERROR", "core.py:1449", recorded("adapter-no-enable-lora.engine", []string{"detail", refused}))
		detail := "Call to add_lora method failed: Worker failed with error '" + refused + "', please check the stack trace above for the root cause"
		if each.rank == 0 && s.loraEnabled {
			detail = refused
		}
		return die("adapter-no-enable-lora", "detail", detail)
	}
	return 0
}

// joinRay waits until as many nodes are in the Ray cluster as the model is spread over.
func (s *server) joinRay(ended context.Context) bool {
	logLine(apiProcess, "INFO", "ray_utils.py:400", "Waiting for creating a placement group of specs")
	deadline := time.Now().Add(placementPatience)
	for ray.Nodes() < s.nodes {
		if ended.Err() != nil || time.Now().After(deadline) {
			logLine(engineProcess, "ERROR", "core.py:1231", "ValueError: Cannot provide a placement group within 1800 seconds.")
			die("kv-too-small")
			return false
		}
		time.Sleep(200 * time.Millisecond)
	}
	return true
}

const placementPatience = 30 * time.Minute

// download takes as long as the behaviour says; the gauges run down with it.
func (s *server) download(ended context.Context) bool {
	started := time.Now()
	for ended.Err() == nil {
		duration := 700 * time.Millisecond
		if ms := s.control.Now().LoadMs; ms != nil {
			duration = time.Duration(*ms) * time.Millisecond
		}
		left := duration - time.Since(started)
		if filepath.IsAbs(s.model) {
			s.metrics.download(0, 0)
		} else {
			s.metrics.download(400e6, max(0, left.Seconds()))
		}
		if left <= 0 {
			s.metrics.download(0, 0)
			fmt.Fprintf(os.Stderr, "(Worker pid=101) \rLoading safetensors checkpoint shards:   0%% Completed | 0/1 [00:00<?, ?it/s]\n(Worker pid=101) \rLoading safetensors checkpoint shards: 100%% Completed | 1/1 [00:00<00:00, 222.96it/s]\n(Worker pid=101) \n")
			logLine("(Worker pid=101)", "INFO", "default_loader.py:430", "Loading weights took 0.01 seconds")
			return true
		}
		time.Sleep(min(left, 100*time.Millisecond))
	}
	return false
}

func (s *server) serve(ended context.Context) int {
	listener, err := listen()
	if err != nil {
		fmt.Fprintln(os.Stderr, "OSError: [Errno 98] Address already in use")
		return 1
	}
	logLine(apiProcess, "INFO", "api_server.py:616", fmt.Sprintf("Starting vLLM server on http://0.0.0.0:%d", port))
	web := &http.Server{Handler: s.routes()}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	go s.watchReady()
	select {
	case err := <-failed:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case <-ended.Done():
	}
	for _, text := range []string{"[shutdown] API server: shutdown triggered", "[shutdown] API server: stopping engine client mode=abort timeout=0s", "[shutdown] API server: engine client stopped", "[shutdown] API server: shutting down FastAPI HTTP server"} {
		logLine(apiProcess, "INFO", "launcher.py:100", text)
	}
	_ = web.Close()
	return 0
}

// watchReady lets a behaviour that is set later still reach a server that waits for requests.
func (s *server) watchReady() {
	for {
		s.control.Reach("ready", func() {})
		time.Sleep(200 * time.Millisecond)
	}
}

// listen waits a moment for the early server's connections to be gone.
func listen() (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		return errors.Join(raw.Control(func(descriptor uintptr) {
			failed = syscall.SetsockoptInt(int(descriptor), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		}), failed)
	}}
	return config.Listen(context.Background(), "tcp", fmt.Sprintf(":%d", port))
}
