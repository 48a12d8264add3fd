package python

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// ReadYAML reads a document as PyYAML's safe_load does: YAML 1.1's words for booleans, and no number such as 1e-4, whose
// exponent has no dot before it.
func ReadYAML(text []byte) (Value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	return fromNode(document.Content[0]), nil
}

func fromNode(node *yaml.Node) Value {
	switch node.Kind {
	case yaml.AliasNode:
		return fromNode(node.Alias)
	case yaml.SequenceNode:
		list := make([]Value, len(node.Content))
		for i, item := range node.Content {
			list[i] = fromNode(item)
		}
		return list
	case yaml.MappingNode:
		out := NewMap()
		for i := 0; i+1 < len(node.Content); i += 2 {
			out.Set(Str(fromNode(node.Content[i])), fromNode(node.Content[i+1]))
		}
		return out
	default:
		if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return node.Value
		}
		return fromPlain(node.Value)
	}
}

// From PyYAML's resolver.
var (
	nullWord  = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
	trueWord  = regexp.MustCompile(`^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$`)
	falseWord = regexp.MustCompile(`^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$`)
	integer   = regexp.MustCompile(`^[-+]?(?:0|[1-9][0-9_]*)$`)
	float     = regexp.MustCompile(`^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$`)
)

func fromPlain(text string) Value {
	switch {
	case nullWord.MatchString(text):
		return nil
	case trueWord.MatchString(text):
		return true
	case falseWord.MatchString(text):
		return false
	case integer.MatchString(text):
		if n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64); err == nil {
			return n
		}
	case float.MatchString(text):
		if v, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil {
			return v
		}
	}
	return text
}
