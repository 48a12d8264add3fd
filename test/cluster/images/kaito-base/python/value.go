// Package python has what of Python shows in the programs' output: values read from YAML, their repr and their numbers.
package python

import (
	"math"
	"strconv"
	"strings"
)

// Value is nil, bool, int64, float64, string, []Value or *Map.
type Value any

// Map keeps the order in which its keys were written, as a dict does.
type Map struct {
	Keys   []string
	Values map[string]Value
}

func NewMap() *Map { return &Map{Values: map[string]Value{}} }

func (m *Map) Set(key string, value Value) {
	if _, known := m.Values[key]; !known {
		m.Keys = append(m.Keys, key)
	}
	m.Values[key] = value
}

func (m *Map) Get(key string) (Value, bool) {
	value, found := m.Values[key]
	return value, found
}

// Repr is what repr() gives, and what a dict shows its values with.
func Repr(value Value) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return Float(v)
	case string:
		return quote(v)
	case []Value:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = Repr(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *Map:
		parts := make([]string, len(v.Keys))
		for i, key := range v.Keys {
			parts[i] = quote(key) + ": " + Repr(v.Values[key])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return "?"
	}
}

// Str is what str() gives: as repr(), but for a string itself.
func Str(value Value) string {
	if text, ok := value.(string); ok {
		return text
	}
	return Repr(value)
}

func quote(text string) string {
	mark := "'"
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		mark = `"`
	}
	var out strings.Builder
	out.WriteString(mark)
	for _, r := range text {
		switch {
		case r == '\\':
			out.WriteString(`\\`)
		case string(r) == mark:
			out.WriteString(`\` + mark)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			out.WriteString(`\x` + strconv.FormatInt(int64(r)+0x100, 16)[1:])
		default:
			out.WriteRune(r)
		}
	}
	out.WriteString(mark)
	return out.String()
}

// Float is the repr of a float: the shortest digits, with an exponent from 1e16 on and below 1e-4.
func Float(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	size := math.Abs(v)
	if size != 0 && (size >= 1e16 || size < 1e-4) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// FourDigits is format(v, '.4g'), which the trainer's log writes its numbers with.
func FourDigits(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// Thousands is format(n, ',').
func Thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// TypeName is how an AttributeError names the type of a value.
func TypeName(value Value) string {
	switch value.(type) {
	case nil:
		return "'NoneType'"
	case bool:
		return "'bool'"
	case int64:
		return "'int'"
	case float64:
		return "'float'"
	case string:
		return "'str'"
	case []Value:
		return "'list'"
	default:
		return "'dict'"
	}
}
