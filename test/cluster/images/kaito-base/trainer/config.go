package trainer

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"kaito-base/python"
)

// options are one section's after parsing: bool, int64, float64, string or []string. Only those that were written.
type options map[string]any

type config map[string]options

// readWritten is the part of the file below its root key.
func readWritten(path string) (*python.Map, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, dies("no-config", "path", path)
	}
	document, err := python.ReadYAML(content)
	if err != nil {
		return nil, dies("bad-yaml")
	}
	root, isMap := document.(*python.Map)
	if !isMap {
		return nil, dies("no-document")
	}
	written, found := root.Get("training_config")
	if !found {
		return python.NewMap(), nil
	}
	sections, isMap := written.(*python.Map)
	if !isMap {
		return nil, dies("no-document")
	}
	return sections, nil
}

var torchTypes = regexp.MustCompile(`^(?:bfloat16|float16|float32|float64|half|float|double)$`)

// parse goes through the sections in the script's order. Sections that it does not know are ignored.
func parse(run *Run, written *python.Map) (config, error) {
	out := config{}
	for _, name := range sectionOrder {
		value, found := written.Get(name)
		if !found {
			value = python.NewMap()
		}
		content, isMap := value.(*python.Map)
		if !isMap {
			return nil, dies("null-section")
		}
		parsed, err := parseSection(name, content)
		if err != nil {
			return nil, err
		}
		out[name] = parsed
		if err := check(run, name, parsed); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// check is what a section's own class says of its values.
func check(run *Run, name string, parsed options) error {
	switch name {
	case "ModelConfig":
		if dtype, given := parsed["torch_dtype"].(string); given && !torchTypes.MatchString(dtype) {
			return dies("bad-dtype", "detail", dtype)
		}
	case "TrainingArguments":
		if _, given := parsed["warmup_ratio"]; given {
			for range 2 {
				run.err("[transformers] warmup_ratio is deprecated and will be removed in v5.2. Use `warmup_steps` instead.\n")
			}
		}
		if !run.hasGPU && parsed["use_cpu"] != true && parsed["bf16"] != false {
			return dies("no-gpu")
		}
	case "DataCollator":
		mlm, given := parsed["mlm"]
		if !given {
			return dies("no-mask-token")
		}
		if mlm == true {
			run.Stdout.Print("Warning: Tokenizer does not have a mask token. Retrying with mlm=False.")
		}
	}
	return nil
}

type argument struct {
	key   string
	words []string
}

// flatten makes a section the words of a command line: an inner map's keys are joined to its own by an underscore.
func flatten(content *python.Map, prefix string) []argument {
	var out []argument
	for _, key := range content.Keys {
		switch value := content.Values[key].(type) {
		case *python.Map:
			out = append(out, flatten(value, prefix+key+"_")...)
		case []python.Value:
			words := make([]string, len(value))
			for i, item := range value {
				words[i] = python.Str(item)
			}
			out = append(out, argument{prefix + key, words})
		default:
			out = append(out, argument{prefix + key, []string{python.Str(value)}})
		}
	}
	return out
}

func parseSection(name string, content *python.Map) (options, error) {
	known := sections()[name]
	out := options{}
	var unused []python.Value
	for _, given := range flatten(content, "") {
		of, found := known[given.key]
		if !found {
			unused = append(unused, "--"+given.key)
			for _, word := range given.words {
				unused = append(unused, word)
			}
			continue
		}
		value, complaint := convert(of, given.words)
		if complaint != "" {
			return nil, refused(name, "argument "+argparseName(given.key)+": "+complaint)
		}
		out[given.key] = value
	}
	if len(unused) > 0 {
		return nil, dies("unused-arguments", "detail", python.Repr(unused))
	}
	return out, nil
}

func argparseName(key string) string {
	if dashed := strings.ReplaceAll(key, "_", "-"); dashed != key {
		return "--" + key + "/--" + dashed
	}
	return "--" + key
}

var (
	yes = regexp.MustCompile(`(?i)^(?:yes|true|t|y|1)$`)
	no  = regexp.MustCompile(`(?i)^(?:no|false|f|n|0)$`)
)

// convert returns the value, or argparse's complaint.
func convert(of option, words []string) (any, string) {
	if len(words) == 0 {
		switch of.kind {
		case flag:
			return true, ""
		case texts_, wholes:
			return nil, "expected at least one argument"
		default:
			return nil, "expected one argument"
		}
	}
	word := words[0]
	switch of.kind {
	case whole:
		n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		return n, complaint(err, "int", word)
	case number:
		v, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		return v, complaint(err, "float", word)
	case truth, flag:
		if yes.MatchString(word) {
			return true, ""
		}
		if no.MatchString(word) {
			return false, ""
		}
		return nil, fmt.Sprintf("Truthy value expected: got %s but expected one of yes/no, true/false, t/f, y/n, 1/0 (case insensitive).", word)
	case texts_:
		return words, ""
	case wholes:
		for _, each := range words {
			if _, err := strconv.Atoi(each); err != nil {
				return nil, complaint(err, "int", each)
			}
		}
		return words, ""
	case dictionary:
		return nil, "invalid dict value: " + python.Repr(word)
	case jsonText:
		if strings.HasPrefix(word, "{") && !json.Valid([]byte(word)) {
			return nil, "invalid json value: " + python.Repr(word)
		}
		return word, ""
	case choice:
		quoted := make([]string, len(of.choices))
		for i, allowed := range of.choices {
			if word == allowed {
				return word, ""
			}
			quoted[i] = python.Repr(allowed)
		}
		return nil, fmt.Sprintf("invalid choice: %s (choose from %s)", python.Repr(word), strings.Join(quoted, ", "))
	default:
		return word, ""
	}
}

func complaint(err error, typeName, word string) string {
	if err == nil {
		return ""
	}
	return "invalid " + typeName + " value: " + python.Repr(word)
}

func (o options) text(name, fallback string) string {
	if value, given := o[name].(string); given {
		return value
	}
	return fallback
}

func (o options) number(name string, fallback float64) float64 {
	switch value := o[name].(type) {
	case float64:
		return value
	case int64:
		return float64(value)
	}
	return fallback
}

func (o options) whole(name string, fallback int) int { return int(o.number(name, float64(fallback))) }

func (o options) truth(name string, fallback bool) bool {
	if value, given := o[name].(bool); given {
		return value
	}
	return fallback
}
