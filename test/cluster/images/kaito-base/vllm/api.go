package vllm

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"kaito-base/python"
	"kaito-base/speech"
)

const fingerprint = "vllm-0.25.1-e4670644"

func id() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("server", "uvicorn")
	w.Header().Set("content-type", "application/json")
	w.Header().Set("content-length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

type route map[string]http.HandlerFunc

func (s *server) routes() http.Handler {
	empty := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("server", "uvicorn")
		w.Header().Set("content-length", "0")
	}
	created := time.Now().Unix()
	paths := map[string]route{
		"/health":  {"GET": empty},
		"/ping":    {"GET": empty, "POST": empty},
		"/load":    {"GET": func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `{"server_load":0}`) }},
		"/version": {"GET": func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `{"version":"0.25.1"}`) }},
		"/metrics": {"GET": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("server", "uvicorn")
			w.Header().Set("content-type", metricsType)
			_, _ = io.WriteString(w, s.metrics.render())
		}},
		"/v1/models":           {"GET": func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, s.models(created)) }},
		"/v1/chat/completions": {"POST": func(w http.ResponseWriter, r *http.Request) { s.answer(chat, w, r) }},
		"/v1/completions":      {"POST": func(w http.ResponseWriter, r *http.Request) { s.answer(completion, w, r) }},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1") && !s.admits(r.Header.Get("authorization")) {
			writeJSON(w, 401, `{"error":"Unauthorized"}`)
			return
		}
		methods, known := paths[r.URL.Path]
		handle, allowed := methods[r.Method]
		switch {
		case !known:
			writeJSON(w, 404, `{"detail":"Not Found"}`)
		case !allowed:
			for method := range methods {
				w.Header().Set("allow", method)
			}
			writeJSON(w, 405, `{"detail":"Method Not Allowed"}`)
		default:
			handle(w, r)
		}
	})
}

func (s *server) admits(authorization string) bool {
	for _, key := range s.apiKeys {
		if authorization == "Bearer "+key {
			return true
		}
	}
	return len(s.apiKeys) == 0
}

func (s *server) models(created int64) string {
	entry := func(name, root, parent, length string) string {
		return fmt.Sprintf(`{"id":%s,"object":"model","created":%d,"owned_by":"vllm","root":%s,"parent":%s,"max_model_len":%s,"permission":[{"id":"modelperm-%s","object":"model_permission","created":%d,"allow_create_engine":false,"allow_sampling":true,"allow_logprobs":true,"allow_search_indices":false,"allow_view":true,"allow_fine_tuning":false,"organization":"*","group":null,"is_blocking":false}]}`,
			python.JSON(name), created, python.JSON(root), parent, length, id(), created)
	}
	var entries []string
	for _, name := range s.served {
		entries = append(entries, entry(name, s.model, "null", fmt.Sprint(s.length)))
	}
	for _, each := range s.adapters {
		entries = append(entries, entry(each.name, each.path, python.JSON(s.served[0]), "null"))
	}
	return `{"object":"list","data":[` + strings.Join(entries, ",") + `]}`
}

func (s *server) answer(e endpoint, w http.ResponseWriter, incoming *http.Request) {
	if s.control.Now().Overloaded {
		writeJSON(w, 429, `{"error":{"message":"Too many requests: the waiting queue is full. Please retry later.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`)
		return
	}
	asked, err := e.read(s.settings, incoming)
	if err != nil {
		var refused *refusal
		if !errors.As(err, &refused) {
			refused = &refusal{500, "InternalServerError", err.Error(), ""}
		}
		logLine(apiProcess, "ERROR", "serving.py:222", fmt.Sprintf("Error with model error=ErrorInfo(message=%s, type=%s, param=None, code=%d)", python.Repr(refused.message), python.Repr(refused.kind), refused.status))
		writeJSON(w, refused.status, refused.body())
		return
	}
	g := speech.Generate(speech.Answer(asked.model, asked.messages), asked.limit, asked.stops, false)
	s.metrics.begin(asked.prompt)
	defer func() { s.metrics.end(g.Finish, g.Count()) }()
	// A client that goes away stops nothing: the answer is generated to its end.
	if asked.stream {
		s.stream(e, asked, g, w)
		return
	}
	if !g.Speak(s.control, func(string) {}) {
		writeJSON(w, 500, engineDead.body())
		return
	}
	writeJSON(w, 200, e.whole(asked, g))
}

// Not recorded: how vLLM's own code answers when its engine fails under a request.
var engineDead = &refusal{500, "InternalServerError", "EngineCore encountered an issue. See stack trace (above) for the root cause.", ""}

func (e endpoint) whole(asked *request, g speech.Generation) string {
	text, usage := python.JSON(strings.Join(g.Tokens, "")), usageOf(asked.prompt, g.Count(), `,"prompt_tokens_details":null`)
	if e == completion {
		return fmt.Sprintf(`{"id":"cmpl-%s","object":"text_completion","created":%d,"model":%s,"choices":[{"index":0,"text":%s,"logprobs":null,"finish_reason":%q,"stop_reason":%s,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null,"routed_experts":null}],"service_tier":null,"system_fingerprint":%q,"usage":%s,"kv_transfer_params":null,"metrics":null}`,
			id(), time.Now().Unix(), python.JSON(asked.model), text, g.Finish, g.StopReason, fingerprint, usage)
	}
	return fmt.Sprintf(`{"id":"chatcmpl-%s","object":"chat.completion","created":%d,"model":%s,"choices":[{"index":0,"message":{"role":"assistant","content":%s,"refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":%q,"stop_reason":%s,"token_ids":null,"routed_experts":null}],"service_tier":null,"system_fingerprint":%q,"usage":%s,"prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null,"kv_transfer_params":null,"metrics":null}`,
		id(), time.Now().Unix(), python.JSON(asked.model), text, g.Finish, g.StopReason, fingerprint, usage)
}

func usageOf(prompt, generated int, more string) string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d%s}`, prompt, prompt+generated, generated, more)
}

// stream sends a chunk a token. The last has the reason of the end; cut by the limit, it has the last token too.
func (s *server) stream(e endpoint, asked *request, g speech.Generation, w http.ResponseWriter) {
	w.Header().Set("server", "uvicorn")
	w.Header().Set("content-type", "text/event-stream; charset=utf-8")
	identity, created, object := "chatcmpl-"+id(), time.Now().Unix(), "chat.completion.chunk"
	if e == completion {
		identity, object = "cmpl-"+id(), "text_completion"
	}
	send := func(text string) {
		_, _ = io.WriteString(w, "data: "+text+"\n\n")
		if flusher, can := w.(http.Flusher); can {
			flusher.Flush()
		}
	}
	sent := 0
	chunk := func(choice, behind string) {
		usage := ""
		if asked.continuousUsage {
			usage = `,"usage":` + usageOf(asked.prompt, sent, "")
		}
		send(fmt.Sprintf(`{"id":%q,"object":%q,"created":%d,"model":%s,"choices":[%s]%s%s}`, identity, object, created, python.JSON(asked.model), choice, usage, behind))
	}
	token := func(text, reason string) {
		behind := ""
		if reason != "" && !asked.usage {
			behind = `,"system_fingerprint":` + python.JSON(fingerprint)
		}
		ended, stopped := "null", ""
		if reason != "" {
			ended, stopped = python.JSON(reason), `,"stop_reason":`+g.StopReason
		}
		if e == completion {
			if stopped == "" {
				stopped = `,"stop_reason":null`
			}
			chunk(fmt.Sprintf(`{"index":0,"text":%s,"logprobs":null,"finish_reason":%s%s,"prompt_token_ids":null,"token_ids":null}`, python.JSON(text), ended, stopped), behind)
			return
		}
		chunk(fmt.Sprintf(`{"index":0,"delta":{"content":%s},"logprobs":null,"finish_reason":%s%s,"token_ids":null}`, python.JSON(text), ended, stopped), behind)
	}
	if e == chat {
		chunk(`{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}`, `,"prompt_token_ids":null,"prompt_text":null`)
	}
	finished := g.Speak(s.control, func(text string) {
		sent++
		if g.Finish == "length" && sent == len(g.Tokens) {
			token(text, "length")
			return
		}
		token(text, "")
	})
	if !finished {
		send(engineDead.body())
		send("[DONE]")
		return
	}
	if g.Finish == "stop" {
		sent++
		token("", "stop")
	}
	if asked.usage {
		send(fmt.Sprintf(`{"id":%q,"object":%q,"created":%d,"model":%s,"choices":[],"usage":%s,"system_fingerprint":%q}`, identity, object, created, python.JSON(asked.model), usageOf(asked.prompt, g.Count(), ""), fingerprint))
	}
	send("[DONE]")
}
