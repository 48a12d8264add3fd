package vllm

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"kaito-base/python"
	"kaito-base/speech"
)

// refusal is an error answer; its code is the status again.
type refusal struct {
	status        int
	kind, message string
	// Without quotes; empty is null.
	parameter string
}

func (r *refusal) Error() string { return r.message }

func (r *refusal) body() string {
	parameter := "null"
	if r.parameter != "" {
		parameter = python.JSON(r.parameter)
	}
	return fmt.Sprintf(`{"error":{"message":%s,"type":%s,"param":%s,"code":%d}}`, python.JSON(r.message), python.JSON(r.kind), parameter, r.status)
}

func bad(message, parameter string) *refusal {
	return &refusal{400, "BadRequestError", message, parameter}
}

func badValue(message, parameter string, value python.Value) *refusal {
	return bad(fmt.Sprintf("%s (parameter=%s, value=%s)", message, parameter, python.Repr(value)), parameter)
}

// endpoint is what schema errors name: the path and the function behind it.
type endpoint struct{ path, handler string }

// schema is a refusal by pydantic, whose text has all of it twice and a place in the source between.
func (e endpoint) schema(kind, location, message, input, context, parameter string) *refusal {
	detail := fmt.Sprintf("{'type': '%s', 'loc': %s, 'msg': %s, 'input': %s", kind, location, python.Repr(message), input)
	if context != "" {
		detail += ", 'ctx': {'error': " + context + "}"
	}
	detail += "}"
	text := fmt.Sprintf("1 validation error:\n  %s\n\n  File \"/usr/lib/python/site-packages/vllm/entrypoints/serve/utils/api_utils.py\", line 40, in %s\n    POST %s [%s]", detail, e.handler, e.path, detail)
	return &refusal{400, "Bad Request", text, parameter}
}

type request struct {
	model           string
	messages        []speech.Message
	prompt          int
	limit           int
	stops           []string
	stream          bool
	usage           bool
	continuousUsage bool
}

var (
	chat       = endpoint{"/v1/chat/completions", "create_chat_completion"}
	completion = endpoint{"/v1/completions", "create_completion"}
)

// read checks in vLLM's order: the form of the body, the schema, the model, the conversation, the numbers.
func (e endpoint) read(s *settings, incoming *http.Request) (*request, error) {
	body, err := e.body(incoming)
	if err != nil {
		return nil, err
	}
	if err := e.checkOptions(body); err != nil {
		return nil, err
	}
	out := &request{model: s.served[0]}
	var given []python.Value
	if e == chat {
		if given, err = e.messages(body); err != nil {
			return nil, err
		}
	}
	asked, parameter, err := e.limit(body)
	if err != nil {
		return nil, err
	}
	if name, isText := body.Values["model"].(string); isText && name != "" {
		if !s.knows(name) {
			return nil, &refusal{404, "NotFoundError", "The model `" + name + "` does not exist.", "model"}
		}
		out.model = name
	}
	if e == completion {
		prompt, isText := body.Values["prompt"].(string)
		if !isText {
			return nil, bad("Either prompt or prompt_embeds must be provided and non-empty.", "")
		}
		out.messages = []speech.Message{{Role: "user", Content: prompt}}
		out.prompt = max(1, len(speech.Tokens(prompt)))
	} else {
		if !s.hasChatTemplate {
			return nil, bad("As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.", "")
		}
		if out.messages, err = conversation(given, out.model); err != nil {
			return nil, err
		}
		out.prompt = speech.PromptTokens(out.messages)
	}
	if err := out.fit(s, body, asked, parameter); err != nil {
		return nil, err
	}
	out.stops = texts(body.Values["stop"])
	out.stream = body.Values["stream"] == true
	if options, isMap := body.Values["stream_options"].(*python.Map); isMap {
		out.usage = options.Values["include_usage"] == true
		out.continuousUsage = options.Values["continuous_usage_stats"] == true
	}
	return out, nil
}

func (s *settings) knows(name string) bool {
	for _, each := range s.served {
		if each == name {
			return true
		}
	}
	for _, each := range s.adapters {
		if each.name == name {
			return true
		}
	}
	return false
}

func (e endpoint) body(incoming *http.Request) (*python.Map, error) {
	contentType, _, _ := strings.Cut(incoming.Header.Get("content-type"), ";")
	if contentType != "application/json" && !strings.HasSuffix(contentType, "+json") {
		const reason = "Unsupported Media Type: Only 'application/json' is allowed"
		return nil, &refusal{400, "Bad Request", "1 validation error:\n  " + reason + ` ["` + reason + `"]`, ""}
	}
	content, err := io.ReadAll(incoming.Body)
	if err != nil {
		return nil, err
	}
	value, err := python.ReadJSON(content)
	if err != nil {
		return nil, e.schema("json_invalid", "('body', 0)", "JSON decode error", "{}", "'Expecting value'", "body.0")
	}
	switch body := value.(type) {
	case *python.Map:
		return body, nil
	case []python.Value:
		return nil, &refusal{500, "InternalServerError", "'list' object has no attribute 'get'", ""}
	default:
		return nil, e.schema("model_attributes_type", "('body',)", "Input should be a valid dictionary or object to extract fields from", python.Repr(value), "", "body")
	}
}

func (e endpoint) checkOptions(body *python.Map) error {
	refuse := func(reason, parameter string) error {
		return e.schema("value_error", "('body',)", "Value error, "+reason+" (parameter="+parameter+")", python.Repr(body), "VLLMValidationError("+python.Repr(reason)+")", parameter)
	}
	if body.Values["stream_options"] != nil && body.Values["stream"] != true {
		return refuse("Stream options can only be defined when `stream=True`.", "stream_options")
	}
	if choice := body.Values["tool_choice"]; choice != nil && choice != "none" && body.Values["tools"] == nil {
		return refuse("When using `tool_choice`, `tools` must be set.", "tool_choice")
	}
	return nil
}

func (e endpoint) messages(body *python.Map) ([]python.Value, error) {
	value, given := body.Get("messages")
	if !given {
		return nil, e.schema("missing", "('body', 'messages')", "Field required", python.Repr(body), "", "body.messages")
	}
	list, isList := value.([]python.Value)
	if !isList {
		return nil, e.schema("list_type", "('body', 'messages')", "Input should be a valid list", python.Repr(value), "", "body.messages")
	}
	return list, nil
}

// limit is how many tokens were asked for, -1 when none were named, and the name that was used.
func (e endpoint) limit(body *python.Map) (asked int, parameter string, err error) {
	for _, name := range []string{"max_completion_tokens", "max_tokens"} {
		switch value := body.Values[name].(type) {
		case nil:
			continue
		case int64:
			return int(value), name, nil
		case string:
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				return n, name, nil
			}
			return 0, "", e.schema("int_parsing", "('body', '"+name+"')", "Input should be a valid integer, unable to parse string as an integer", python.Repr(value), "", "body."+name)
		default:
			return 0, "", e.schema("int_type", "('body', '"+name+"')", "Input should be a valid integer", python.Repr(value), "", "body."+name)
		}
	}
	if e == completion {
		return 16, "max_tokens", nil
	}
	return -1, "max_tokens", nil
}

func conversation(given []python.Value, model string) ([]speech.Message, error) {
	if len(given) == 0 {
		return nil, bad("Cannot apply chat template to an empty conversation. Provide at least one message.", "")
	}
	var out []speech.Message
	for _, each := range given {
		fields, isMap := each.(*python.Map)
		if !isMap {
			fields = python.NewMap()
		}
		role := python.Str(fields.Values["role"])
		switch role {
		case "system", "developer", "user", "assistant", "tool":
		default:
			return nil, bad("Unknown role: "+role, "")
		}
		content, isText := fields.Values["content"].(string)
		parts, _ := fields.Values["content"].([]python.Value)
		for i, part := range parts {
			piece, isMap := part.(*python.Map)
			if !isMap || piece.Values["type"] != "text" {
				return nil, bad(model+" is not a multimodal model", "")
			}
			if i > 0 {
				content += "\n"
			}
			content += python.Str(piece.Values["text"])
		}
		if !isText && parts == nil {
			content = ""
		}
		out = append(out, speech.Message{Role: role, Content: content})
	}
	return out, nil
}

// fit checks lengths and numbers.
func (r *request) fit(s *settings, body *python.Map, asked int, parameter string) error {
	if asked > s.length {
		return badValue(fmt.Sprintf("%s=%d cannot be greater than max_model_len=max_total_tokens=%d. Please request fewer output tokens.", parameter, asked, s.length), parameter, int64(asked))
	}
	if wanted := max(asked, 1); r.prompt+wanted > s.length {
		// The prompt is only counted until it is too long.
		atLeast := s.length - wanted + 1
		return badValue(fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested %d output tokens and your prompt contains at least %d input tokens, for a total of at least %d tokens. Please reduce the length of the input prompt or the number of requested output tokens.", s.length, max(asked, 0), atLeast, s.length+1), "input_tokens", int64(atLeast))
	}
	choices, temperature, topP := numeric(body, "n", 1), numeric(body, "temperature", 1), numeric(body, "top_p", 1)
	switch {
	case temperature < 0:
		return badValue("temperature must be non-negative, got "+python.Float(temperature)+".", "temperature", temperature)
	case topP <= 0 || topP > 1:
		return badValue("top_p must be in (0, 1], got "+python.Float(topP)+".", "top_p", topP)
	case asked == 0 || asked < -1:
		return badValue(fmt.Sprintf("%s must be at least 1, got %d.", parameter, asked), parameter, int64(asked))
	case choices > 1 && temperature == 0:
		return bad(fmt.Sprintf("n must be 1 when using greedy sampling, got %d.", int(choices)), "")
	}
	r.limit = asked
	if asked < 0 {
		r.limit = s.length - r.prompt
	}
	return nil
}

func numeric(body *python.Map, name string, fallback float64) float64 {
	switch value := body.Values[name].(type) {
	case int64:
		return float64(value)
	case float64:
		return value
	}
	return fallback
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
