// Package accelerate plays `accelerate launch`, which starts a script and turns whatever it ended with into 1.
package accelerate

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Split parts a command line into accelerate's own arguments, the script, and the script's.
func Split(words []string) (launcher []string, script string, arguments []string) {
	for i, word := range words {
		if !strings.HasPrefix(word, "-") && strings.HasSuffix(word, ".py") {
			return words[:i], word, words[i+1:]
		}
	}
	return words, "", nil
}

// Notice is what it says on stderr of arguments that were left out.
func Notice(launcher []string) {
	given := func(name string) bool {
		for _, word := range launcher {
			if strings.HasPrefix(strings.ReplaceAll(word, "-", "_"), "__"+name) {
				return true
			}
		}
		return false
	}
	fmt.Fprintln(os.Stderr, "The following values were not passed to `accelerate launch` and had defaults used instead:")
	for _, each := range [][2]string{{"num_processes", "1"}, {"num_machines", "1"}, {"mixed_precision", "'no'"}, {"dynamo_backend", "'no'"}} {
		if !given(each[0]) {
			fmt.Fprintf(os.Stderr, "\t`--%s` was set to a value of `%s`\n", each[0], each[1])
		}
	}
	fmt.Fprintln(os.Stderr, "To avoid this warning pass in values for each of the problematic parameters or run `accelerate config`.")
}

// Failure is its own traceback behind the script's.
func Failure(script string, exitCode int) {
	fmt.Fprintf(os.Stderr, `Traceback (most recent call last):
  File "/usr/bin/accelerate", line 10, in <module>
    sys.exit(main())
             ^^^^^^
  File "/usr/lib/python/site-packages/accelerate/commands/accelerate_cli.py", line 50, in main
    args.func(args)
  File "/usr/lib/python/site-packages/accelerate/commands/launch.py", line 1407, in launch_command
    simple_launcher(args)
  File "/usr/lib/python/site-packages/accelerate/commands/launch.py", line 993, in simple_launcher
    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)
subprocess.CalledProcessError: Command '['/usr/bin/python', '%s']' returned non-zero exit status %d.
`, script, exitCode)
}

// Processes is how many copies of the script run side by side, one for each GPU.
func Processes(launcher []string) int {
	for _, word := range launcher {
		if value, found := strings.CutPrefix(word, "--num_processes="); found {
			if count, err := strconv.Atoi(value); err == nil && count > 0 {
				return count
			}
		}
	}
	return 1
}
