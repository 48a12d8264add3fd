package vllm

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

// What vLLM 0.25.1 prints of its options, as recorded; it is read here for what it takes.
//
//go:embed usage.txt
var usage string

type shape int

const (
	alone shape = iota
	one
	// One or none.
	perhaps
	many
)

var shapes = sync.OnceValue(func() map[string]shape {
	out := map[string]shape{"kaito-adapters-dir": one, "kaito-config-file": one, "kaito-max-probe-steps": one, "kaito-kv-cache-cpu-memory-utilization": one, "kaito-disable-rate-limit": alone}
	for _, group := range bracketed(strings.Join(strings.Fields(usage), " ")) {
		word, operand, _ := strings.Cut(group, " ")
		name := strings.TrimLeft(word, "-")
		switch {
		case name == word:
			continue // The model, which has no dashes.
		case operand == "":
			out[name] = alone
		case strings.HasPrefix(operand, "| --no-"):
			out[name], out["no-"+name] = alone, alone
		case strings.Contains(operand, "..."):
			out[name] = many
		case strings.HasPrefix(operand, "[") && !strings.HasPrefix(operand, "['"):
			out[name] = perhaps
		default:
			out[name] = one
		}
	}
	return out
})

// bracketed returns what is in each pair of brackets that is in no other.
func bracketed(text string) []string {
	var out []string
	depth, start := 0, 0
	for i, r := range text {
		switch r {
		case '[':
			if depth == 0 {
				start = i + 1
			}
			depth++
		case ']':
			depth--
			if depth == 0 {
				out = append(out, text[start:i])
			}
		}
	}
	return out
}

type flags map[string][]string

func (f flags) last(name, fallback string) string {
	if values := f[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return fallback
}

func (f flags) has(name string) bool {
	_, given := f[name]
	return given
}

var negative = regexp.MustCompile(`^-\d`)

// parseFlags returns the flags, or argparse's complaint. A dotted name sets a field of the option before the dot, an
// underscore is a dash, and one stray word is taken for the model.
func parseFlags(words []string) (flags, string) {
	out := flags{}
	var strays []string
	for i := 0; i < len(words); {
		word := words[i]
		i++
		name, inline, hasInline := strings.Cut(word, "=")
		if !strings.HasPrefix(word, "-") {
			if out.has("model_tag") {
				strays = append(strays, word)
			} else {
				out["model_tag"] = []string{word}
			}
			continue
		}
		name = strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
		base, _, _ := strings.Cut(name, ".")
		takes, known := shapes()[base]
		if !known {
			// What stands behind it is a stray word of its own.
			strays = append(strays, word)
			continue
		}
		if takes == alone {
			if hasInline {
				return nil, "argument --" + name + ": ignored explicit argument '" + inline + "'"
			}
			out[name] = []string{}
			if positive, negated := strings.CutPrefix(name, "no-"); negated {
				delete(out, positive)
			}
			continue
		}
		taken := []string{}
		if hasInline {
			taken = append(taken, inline)
		}
		for !hasInline && i < len(words) && (len(taken) == 0 || takes == many) {
			if strings.HasPrefix(words[i], "-") && !negative.MatchString(words[i]) {
				break
			}
			taken = append(taken, words[i])
			i++
		}
		if len(taken) == 0 && takes != perhaps {
			if takes == many {
				return nil, "argument --" + name + ": expected at least one argument"
			}
			return nil, "argument --" + name + ": expected one argument"
		}
		out[name] = taken
	}
	if len(strays) > 0 {
		return nil, "unrecognized arguments: " + strings.Join(strays, " ")
	}
	return out, ""
}
