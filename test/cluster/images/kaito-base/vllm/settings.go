package vllm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"kaito-base/python"
)

type settings struct {
	flags       flags
	model       string
	served      []string
	adapters    []loraAdapter
	loraEnabled bool
	maxRank     int
	length      int
	// Of the weights; 0 where they do not say it.
	derived         int
	autoLength      bool
	apiKeys         []string
	hasChatTemplate bool
	nodes           int
	onRay           bool
}

type loraAdapter struct {
	name, path string
	// 0 where there is no adapter in the folder.
	rank int
}

// read takes the command line and, behind it, the entries of KAITO's file, each as two words: so the file wins, and a
// boolean in it goes wrong. The second result is argparse's complaint, the third an exception.
func read(words []string) (*settings, string, string) {
	given, complaint := parseFlags(words)
	if complaint != "" {
		return nil, complaint, ""
	}
	if file := given.last("kaito-config-file", ""); file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, "", "FileNotFoundError: [Errno 2] No such file or directory: " + python.Repr(file)
		}
		document, err := python.ReadYAML(content)
		if err != nil {
			return nil, "", "yaml.scanner.ScannerError: " + err.Error()
		}
		if root, isMap := document.(*python.Map); isMap {
			if section, isMap := root.Values["vllm"].(*python.Map); isMap {
				for _, key := range section.Keys {
					words = append(words, "--"+key, python.Str(section.Values[key]))
				}
			}
		}
		if given, complaint = parseFlags(words); complaint != "" {
			return nil, complaint, ""
		}
	}
	s := &settings{flags: given, model: given.last("model", "/workspace/vllm/weights"), loraEnabled: given.has("enable-lora"), apiKeys: given["api-key"]}
	s.served = given["served-model-name"]
	if len(s.served) == 0 {
		s.served = []string{s.model}
	}
	s.maxRank, _ = strconv.Atoi(given.last("max-lora-rank", "16"))
	s.nodes, _ = strconv.Atoi(given.last("pipeline-parallel-size", "1"))
	s.onRay = given.last("distributed-executor-backend", "") == "ray"
	s.adapters = findAdapters(given.last("kaito-adapters-dir", "/mnt/adapter"))
	s.readWeights()
	return s, s.readLength(given.last("max-model-len", "auto")), ""
}

// Every folder is an adapter, whatever is in it.
func findAdapters(folder string) []loraAdapter {
	var out []loraAdapter
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		}
		var config struct{ R int }
		content, err := os.ReadFile(filepath.Join(path, "adapter_config.json"))
		if err == nil {
			_ = json.Unmarshal(content, &config)
		}
		out = append(out, loraAdapter{entry.Name(), path, config.R})
	}
	return out
}

const usualLength = 131_072

func (s *settings) readWeights() {
	s.hasChatTemplate = true
	content, err := os.ReadFile(filepath.Join(s.model, "config.json"))
	if err != nil {
		return
	}
	var config struct {
		Length int `json:"max_position_embeddings"`
	}
	_ = json.Unmarshal(content, &config)
	s.derived = config.Length
	_, plain := os.Stat(filepath.Join(s.model, "chat_template.jinja"))
	tokenizer, _ := os.ReadFile(filepath.Join(s.model, "tokenizer_config.json"))
	s.hasChatTemplate = plain == nil || regexp.MustCompile(`"chat_template"`).Match(tokenizer) || s.flags.has("chat-template")
}

var length = regexp.MustCompile(`^(\d+(?:\.\d+)?)([kKmM]?)$`)

func (s *settings) readLength(asked string) string {
	if asked == "auto" || asked == "-1" {
		s.autoLength, s.length = true, s.derived
		if s.derived == 0 {
			s.length = usualLength
		}
		return ""
	}
	match := length.FindStringSubmatch(asked)
	if match == nil {
		return "argument --max-model-len: Could not convert " + asked + " to an integer"
	}
	v, _ := strconv.ParseFloat(match[1], 64)
	s.length = int(v * map[string]float64{"": 1, "k": 1000, "K": 1024, "m": 1e6, "M": 1 << 20}[match[2]])
	return ""
}
