package vllm

import "testing"

// What KAITO's operator and our manifests pass, in the shapes that vLLM's own usage gives them.
func TestUsageIsRead(t *testing.T) {
	expected := map[string]shape{
		"model": one, "served-model-name": many, "trust-remote-code": alone, "no-trust-remote-code": alone, "dtype": one,
		"load-format": one, "config-format": one, "tokenizer-mode": one, "max-model-len": one, "gpu-memory-utilization": one,
		"kv-events-config": one, "compilation-config": one, "tensor-parallel-size": one, "pipeline-parallel-size": one,
		"data-parallel-size": one, "distributed-executor-backend": one, "enable-lora": alone, "max-lora-rank": one,
		"enable-auto-tool-choice": alone, "hf-token": perhaps, "download-dir": one, "revision": one, "headless": alone,
	}
	for name, takes := range expected {
		found, known := shapes()[name]
		if !known || found != takes {
			t.Errorf("--%s: shape %d, known: %t", name, found, known)
		}
	}
}

func TestWordsAreParsed(t *testing.T) {
	for _, each := range []struct {
		words     []string
		complaint string
	}{
		{[]string{"--config_format=auto", "--compilation-config.pass_config.fuse_allreduce_rms=False"}, ""},
		{[]string{"--enforce-eager", "False"}, ""},
		{[]string{"--enforce-eager", "True", "--enable-chunked-prefill", "True"}, "unrecognized arguments: True"},
		{[]string{"--swap-space", "4"}, "unrecognized arguments: --swap-space"},
		{[]string{"--enforce-eager=True"}, "argument --enforce-eager: ignored explicit argument 'True'"},
		{[]string{"--model"}, "argument --model: expected one argument"},
	} {
		if _, complaint := parseFlags(each.words); complaint != each.complaint {
			t.Errorf("%v: %q", each.words, complaint)
		}
	}
}
