// Package transformers plays KAITO's server on Hugging Face transformers: one request at a time, adapters merged into the
// model, and a stream that simply ends.
package transformers

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"kaito-base/accelerate"
	"kaito-base/control"
	"kaito-base/python"
	"kaito-base/speech"
)

type server struct {
	control        *control.Control
	model          string
	revision       string
	served         string
	template       bool
	adapters       []string
	generationLock sync.Mutex
	printing       sync.Mutex
}

const script = "/workspace/tfs/inference_api.py"

var port = control.Port()

func (s *server) log(level string, line int, text string) {
	fmt.Fprintf(os.Stderr, "%s %s inference_api.py:%d] %s\n", level, time.Now().UTC().Format("01-02 15:04:05"), line, text)
}

// Main serves until it is killed: SIGTERM does not end it. The result is the exit code.
func Main(launcher, words []string) int {
	s := &server{control: control.Open("transformers"), template: true}
	if launcher != nil {
		accelerate.Notice(launcher)
	}
	given := options(words)
	s.model, s.revision = given("pretrained_model_name_or_path", "/workspace/tfs/weights"), given("revision", "main")
	s.served = given("served_model_name", s.model)
	s.control.Reach("start", func() {})
	control.Wait(s.control.Now().StartMs, 300*time.Millisecond)
	if reason := s.refuse(given); reason != "" {
		fmt.Fprintf(os.Stderr, "Traceback (most recent call last):\n  File \"%s\", line 226, in <module>\n    model = AutoModelForCausalLM.from_pretrained(**model_args)\n%s\n", script, reason)
		if launcher != nil {
			accelerate.Failure(script, 1)
		}
		return 1
	}
	fmt.Fprint(os.Stderr, "[transformers] `torch_dtype` is deprecated! Use `dtype` instead!\n\rLoading weights:   0%|          | 0/195 [00:00<?, ?it/s]")
	s.control.Reach("loading", func() {})
	control.Wait(s.control.Now().LoadMs, 700*time.Millisecond)
	s.control.Reach("loaded", func() {})
	fmt.Fprint(os.Stderr, "\rLoading weights: 100%|██████████| 195/195 [00:00<00:00, 278.57it/s]\n")
	s.mergeAdapters()
	s.log("INFO", 284, "Model loaded successfully")
	s.log("INFO", 537, fmt.Sprintf("Starting server on port %d", port))
	fmt.Fprintf(os.Stderr, "INFO:     Started server process [%d]\nINFO:     Waiting for application startup.\nINFO:     Application startup complete.\nINFO:     Uvicorn running on http://0.0.0.0:%d (Press CTRL+C to quit)\n", os.Getpid(), port)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(fmt.Sprintf(":%d", port), s))
	return 1
}

// options finds a flag with its value; those that the script does not know do not matter.
func options(words []string) func(name, fallback string) string {
	return func(name, fallback string) string {
		for i, word := range words {
			key, inline, hasInline := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if !strings.HasPrefix(word, "--") || strings.ReplaceAll(key, "-", "_") != name {
				continue
			}
			switch {
			case hasInline:
				return inline
			case i+1 < len(words) && !strings.HasPrefix(words[i+1], "--"):
				return words[i+1]
			}
			return "true"
		}
		return fallback
	}
}

var dtypes = regexp.MustCompile(`^(?:auto|bfloat16|float16|float32|half|float)$`)

func (s *server) refuse(given func(string, string) string) string {
	if dtype := given("torch_dtype", "auto"); !dtypes.MatchString(dtype) {
		return "ValueError: Invalid torch dtype: " + dtype
	}
	if !filepath.IsAbs(s.model) {
		if given("allow_remote_files", "false") == "false" {
			return "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files."
		}
		return ""
	}
	if _, err := os.Stat(filepath.Join(s.model, "config.json")); err != nil {
		return "OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': " + python.Repr(s.model) + ". Use `repo_type` argument if needed."
	}
	_, err := os.Stat(filepath.Join(s.model, "chat_template.jinja"))
	tokenizer, _ := os.ReadFile(filepath.Join(s.model, "tokenizer_config.json"))
	s.template = err == nil || strings.Contains(string(tokenizer), `"chat_template"`)
	return ""
}

// Folders without an adapter in them are passed over.
func (s *server) mergeAdapters() {
	entries, _ := os.ReadDir("/mnt/adapter")
	for _, entry := range entries {
		if _, err := os.Stat(filepath.Join("/mnt/adapter", entry.Name(), "adapter_config.json")); err == nil {
			s.adapters = append(s.adapters, entry.Name())
			s.log("INFO", 251, "Adapter added: "+entry.Name())
		}
	}
	if len(s.adapters) == 0 {
		s.log("INFO", 281, "No valid adapters found, using base model")
		return
	}
	s.log("INFO", 279, "All adapters merged into 'combined_adapter'")
}

// answered writes the access line that uvicorn prints on stdout when an answer is complete.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (s *server) ServeHTTP(writer http.ResponseWriter, r *http.Request) {
	w := &answered{writer, http.StatusOK}
	w.Header().Set("server", "uvicorn")
	s.route(w, r)
	s.printing.Lock()
	defer s.printing.Unlock()
	fmt.Printf("INFO:     %s - \"%s %s HTTP/1.1\" %d %s\n", r.RemoteAddr, r.Method, r.URL.Path, w.status, http.StatusText(w.status))
}

func (s *server) route(w *answered, r *http.Request) {
	methods := map[string]string{"/health": "GET", "/metrics": "GET", "/v1/models": "GET", "/v1/chat/completions": "POST"}
	method, known := methods[r.URL.Path]
	switch {
	case !known:
		writeJSON(w, 404, `{"detail":"Not Found"}`)
	case r.Method != method:
		w.Header().Set("allow", method)
		writeJSON(w, 405, `{"detail":"Method Not Allowed"}`)
	case r.URL.Path == "/health":
		writeJSON(w, 200, `{"status":"Healthy"}`)
	case r.URL.Path == "/metrics":
		writeJSON(w, 200, `{"gpu_info":[{"id":"GPU-0","name":"NVIDIA A100 80GB PCIe","load":"25.00%","temperature":"55 C","memory":{"used":"0.00 GB","total":"0.00 GB"}}],"cpu_info":null}`)
	case r.URL.Path == "/v1/models":
		writeJSON(w, 200, fmt.Sprintf(`{"object":"list","data":[{"id":%s,"object":"model","created":%d,"owned_by":"kaito"}]}`, python.JSON(s.served), time.Now().Unix()))
	default:
		s.chat(w, r)
	}
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("content-type", "application/json")
	w.Header().Set("content-length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func detail(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, `{"detail":`+python.JSON(text)+`}`)
}

// exception is what the server does not look for: the reason is in the log, and a client gets three words.
func exception(w http.ResponseWriter, reason string) {
	fmt.Fprintf(os.Stderr, "ERROR:    Exception in ASGI application\nTraceback (most recent call last):\n  File \"%s\", line 355, in chat_completion\n    return await chat_handler.handle_request(body, request_id)\n%s\n", script, reason)
	w.Header().Set("content-type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, "Internal Server Error")
}

func (s *server) pinned() string { return s.model + "@" + s.revision }

func (s *server) chat(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	fields, answer := s.fields(content, r.Header.Get("content-type"))
	if fields == nil {
		writeJSON(w, 422, answer)
		return
	}
	if model, named := fields.Values["model"].(string); named && model != s.served && model != s.pinned() {
		detail(w, 400, "Server is pinned to '"+s.pinned()+"'; requested '"+model+"'.")
		return
	}
	messages, reason := s.conversation(fields)
	if reason == "" {
		reason = findBadNumber(fields)
	}
	if reason != "" {
		exception(w, reason)
		return
	}
	fmt.Fprintf(os.Stderr, "[transformers] [Request received] Model: %s, CB: False\n", s.pinned())
	limit := 1024
	if asked, given := fields.Values["max_tokens"].(int64); given {
		limit = int(asked)
	}
	speaker := s.served
	if len(s.adapters) > 0 {
		speaker += "+" + strings.Join(s.adapters, "+")
	}
	g := speech.Generate(speech.Answer(speaker, messages), limit, texts(fields.Values["stop"]), true)
	prompt := speech.PromptTokens(messages)
	usage := fmt.Sprintf(`{"completion_tokens":%d,"prompt_tokens":%d,"total_tokens":%d}`, g.Count(), prompt, prompt+g.Count())
	if fields.Values["stream"] == true {
		s.stream(w, g, usage)
		return
	}
	s.generationLock.Lock()
	finished := g.Speak(s.control, func(string) {})
	s.generationLock.Unlock()
	if !finished {
		exception(w, "IndexError: index out of range in self")
		return
	}
	writeJSON(w, 200, fmt.Sprintf(`{"id":%q,"choices":[{"finish_reason":%q,"index":0,"message":{"content":%s,"role":"assistant"}}],"created":%d,"model":%s,"object":"chat.completion","usage":%s}`,
		uuid(), g.Finish, python.JSON(strings.Join(g.Tokens, "")), time.Now().Unix(), python.JSON(s.pinned()), usage))
}

// stream gives the role at once and the tokens when it is this request's turn. It ends without a word, and a client that
// goes away does not stop it.
func (s *server) stream(w http.ResponseWriter, g speech.Generation, usage string) {
	w.Header().Set("content-type", "text/event-stream; charset=utf-8")
	identity := uuid()
	send := func(choice, behind string) {
		_, _ = fmt.Fprintf(w, "data: {\"id\":%q,\"choices\":[{%s,\"index\":0}],\"created\":%d,\"model\":%s,\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"\"%s}\n\n", identity, choice, time.Now().Unix(), python.JSON(s.pinned()), behind)
		_ = http.NewResponseController(w).Flush()
	}
	send(`"delta":{"role":"assistant"}`, "")
	s.generationLock.Lock()
	defer s.generationLock.Unlock()
	if !g.Speak(s.control, func(text string) { send(`"delta":{"content":`+python.JSON(text)+`}`, "") }) {
		_, _ = io.WriteString(w, "data: {\"error\": \"index out of range in self\"}\n\n")
		return
	}
	send(`"delta":{},"finish_reason":`+python.JSON(g.Finish), `,"usage":`+usage)
}

func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
