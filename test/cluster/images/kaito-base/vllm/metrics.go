package vllm

import (
	"fmt"
	"strings"
	"sync"

	"kaito-base/python"
)

const metricsType = "text/plain; version=1.0.0; charset=utf-8"

type metrics struct {
	mutex                            sync.Mutex
	model                            string
	speed, remaining                 float64
	running, promptTokens, generated float64
	finished                         map[string]float64
}

func newMetrics(model string) *metrics {
	return &metrics{model: model, remaining: -1, finished: map[string]float64{}}
}

func (m *metrics) download(speed, remaining float64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.speed, m.remaining = speed, remaining
}

func (m *metrics) begin(promptTokens int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.running++
	m.promptTokens += float64(promptTokens)
}

func (m *metrics) end(reason string, tokens int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.running--
	m.generated += float64(tokens)
	m.finished[reason]++
}

func series(out *strings.Builder, name, kind, help string, samples ...string) {
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	for _, sample := range samples {
		out.WriteString(name + sample + "\n")
	}
}

func (m *metrics) early() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.kaito()
}

func (m *metrics) kaito() string {
	var out strings.Builder
	series(&out, "python_info", "gauge", "Python platform information", `{implementation="CPython",major="3",minor="12",patchlevel="1",version="3.12.1"} 1.0`)
	series(&out, "kaito_ratelimit_rejected_total", "counter", "Requests rejected with HTTP 429 by the KAITO queue-depth rate limit guard", " 0.0")
	series(&out, "kaito_model_download_speed_bytes_per_second", "gauge", "Current model download speed in bytes per second", " "+python.Float(m.speed))
	series(&out, "kaito_model_download_remaining_seconds", "gauge", "Estimated remaining model download time in seconds", " "+python.Float(m.remaining))
	return out.String()
}

func (m *metrics) render() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var out strings.Builder
	out.WriteString(m.kaito())
	labels := fmt.Sprintf(`{engine="0",model_name=%q} `, m.model)
	value := func(v float64) string { return labels + python.Float(v) }
	series(&out, "vllm:num_requests_running", "gauge", "Number of requests in model execution batches.", value(m.running))
	series(&out, "vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed.", value(0))
	series(&out, "vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", value(0))
	series(&out, "vllm:num_preemptions_total", "counter", "Cumulative number of preemption from the engine.", value(0))
	series(&out, "vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed.", value(m.promptTokens))
	series(&out, "vllm:generation_tokens_total", "counter", "Number of generation tokens processed.", value(m.generated))
	samples := make([]string, 0, 5)
	for _, reason := range []string{"stop", "length", "abort", "error", "repetition"} {
		samples = append(samples, fmt.Sprintf(`{engine="0",finished_reason=%q,model_name=%q} %s`, reason, m.model, python.Float(m.finished[reason])))
	}
	series(&out, "vllm:request_success_total", "counter", "Count of successfully processed requests.", samples...)
	return out.String()
}
