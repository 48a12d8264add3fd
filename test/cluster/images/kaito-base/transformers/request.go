package transformers

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"kaito-base/python"
	"kaito-base/speech"
)

// Everything transformers 5 knows of a request, whether it heeds it or not.
var knownFields = regexp.MustCompile(`^(?:audio|chat_template_kwargs|frequency_penalty|function_call|functions|generation_config|logit_bias|logprobs|max_completion_tokens|max_tokens|messages|metadata|modalities|model|n|parallel_tool_calls|prediction|presence_penalty|prompt_cache_key|reasoning_effort|response_format|safety_identifier|seed|service_tier|stop|store|stream|stream_options|temperature|tool_choice|tools|top_logprobs|top_p|user|verbosity|web_search_options)$`)

// fields is the request's body, or FastAPI's answer to one that is none.
func (s *server) fields(content []byte, contentType string) (*python.Map, string) {
	var value python.Value = string(content)
	kind, _, _ := strings.Cut(contentType, ";")
	if kind == "application/json" || strings.HasSuffix(kind, "+json") {
		read, err := python.ReadJSON(content)
		if err != nil {
			return nil, `{"detail":[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting value"}}]}`
		}
		value = read
	}
	fields, isMap := value.(*python.Map)
	if !isMap {
		input := python.JSON(string(content))
		if _, isText := value.(string); !isText && json.Valid(content) {
			input = string(content)
		}
		return nil, `{"detail":[{"type":"dict_type","loc":["body"],"msg":"Input should be a valid dictionary","input":` + input + `}]}`
	}
	var unknown []string
	for _, key := range fields.Keys {
		if !knownFields.MatchString(key) {
			unknown = append(unknown, python.Repr(key))
		}
	}
	if len(unknown) > 0 {
		return nil, `{"detail":` + python.JSON("Unexpected fields in the request: {"+strings.Join(unknown, ", ")+"}") + `}`
	}
	return fields, ""
}

// conversation returns the messages, or the exception that they end in.
func (s *server) conversation(fields *python.Map) ([]speech.Message, string) {
	value, given := fields.Get("messages")
	if !given {
		return nil, "KeyError: 'messages'"
	}
	list, isList := value.([]python.Value)
	if !isList {
		return nil, "TypeError: string indices must be integers, not 'str'"
	}
	if !s.template {
		return nil, "ValueError: Cannot use chat template functions because tokenizer.chat_template is not set and no template argument was passed!"
	}
	if len(list) == 0 {
		return nil, "ValueError: Cannot apply chat template to an empty conversation. Provide at least one message."
	}
	var out []speech.Message
	for _, each := range list {
		message, isMap := each.(*python.Map)
		if !isMap {
			return nil, "TypeError: string indices must be integers, not 'str'"
		}
		role := python.Str(message.Values["role"])
		if role != "system" && role != "user" && role != "assistant" && role != "tool" {
			return nil, "jinja2.exceptions.TemplateError: Unknown role: " + role
		}
		content, _ := message.Values["content"].(string)
		if parts, isList := message.Values["content"].([]python.Value); isList {
			for _, part := range parts {
				if piece, isMap := part.(*python.Map); isMap {
					content += python.Str(piece.Values["text"])
				}
			}
		}
		out = append(out, speech.Message{Role: role, Content: content})
	}
	return out, ""
}

func findBadNumber(fields *python.Map) string {
	switch asked := fields.Values["max_tokens"].(type) {
	case string:
		return "TypeError: '>=' not supported between instances of 'str' and 'int'"
	case int64:
		if asked < 1 {
			return fmt.Sprintf("ValueError: `max_new_tokens` must be greater than 0, but is %d.", asked)
		}
	}
	if biases, isMap := fields.Values["logit_bias"].(*python.Map); isMap {
		for _, key := range biases.Keys {
			if bias, isWhole := biases.Values[key].(int64); isWhole {
				return fmt.Sprintf("ValueError: `sequence_bias` has to be a dict with floats as values, but is {(%s,): %d}.", key, bias)
			}
		}
	}
	return ""
}

func texts(value python.Value) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []python.Value:
		out := make([]string, len(v))
		for i, each := range v {
			out[i] = python.Str(each)
		}
		return out
	}
	return nil
}
