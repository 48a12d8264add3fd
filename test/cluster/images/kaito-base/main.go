// kaito-base plays the programs of KAITO's base image: python3, accelerate and the scripts that they run. The image links it
// under their names.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"kaito-base/accelerate"
	"kaito-base/ray"
	"kaito-base/trainer"
	"kaito-base/transformers"
	"kaito-base/vllm"
)

func main() {
	if os.Getpid() == 1 {
		// The kernel keeps from a container's first process what it has no handler for, and Python has none for this;
		// vLLM, which has one, asks for it again.
		signal.Ignore(syscall.SIGTERM)
	}
	os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:]))
}

func run(program string, words []string) int {
	switch program {
	case "accelerate":
		return launch(words)
	case "python", "python3":
		if len(words) == 0 {
			fmt.Fprintln(os.Stderr, "python3: only KAITO's scripts are played here, and none was named")
			return 2
		}
		return script(words[0], nil, words[1:])
	case "multi-node-serving.sh":
		return ray.Script(words)
	case "raylet":
		return ray.Head(words[0])
	}
	fmt.Fprintln(os.Stderr, program+" is not played here")
	return 127
}

func launch(words []string) int {
	if len(words) == 0 || words[0] != "launch" {
		fmt.Fprintln(os.Stderr, "accelerate: only `launch` is played here")
		return 2
	}
	launcher, name, arguments := accelerate.Split(words[1:])
	if launcher == nil {
		launcher = []string{}
	}
	return script(name, launcher, arguments)
}

func script(path string, launcher, arguments []string) int {
	switch path {
	case "/workspace/tfs/fine_tuning.py":
		return trainer.Main(launcher)
	case "/workspace/tfs/inference_api.py":
		return transformers.Main(launcher, arguments)
	case "/workspace/vllm/inference_api.py":
		return vllm.Main(arguments)
	case "/workspace/vllm/multi-node-health-check.py":
		return ray.HealthCheck(arguments)
	}
	fmt.Fprintf(os.Stderr, "python3: can't open file '%s': [Errno 2] No such file or directory\n", path)
	return 2
}
