package trainer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// save writes what PEFT's save_pretrained leaves: no tokenizer, and no task type unless one was asked for.
func (a *adapter) save(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "/usr/lib/python/site-packages/peft/utils/save_and_load.py:195: UserWarning: Could not find a config file in %s - will assume that the vocabulary was not modified.\n  warnings.warn(\n", a.model.path)
	settings, err := json.MarshalIndent(a.settings(), "", "  ")
	if err != nil {
		return err
	}
	card := "---\nbase_model: " + a.model.path + "\nlibrary_name: peft\n---\n\n# Model Card for Model ID\n\n### Framework versions\n\n- PEFT 0.11.1\n"
	for name, content := range map[string][]byte{"README.md": []byte(card), "adapter_config.json": settings, "adapter_model.safetensors": a.weights()} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// saveCheckpoint writes a checkpoint as the trainer's save strategy does: the adapter, and what training could go on from.
func (a *adapter) saveCheckpoint(folder string, step, steps int) error {
	if err := a.save(folder); err != nil {
		return err
	}
	state, err := json.Marshal(map[string]any{"global_step": step, "max_steps": steps})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"trainer_state.json": state, "optimizer.pt": {0}, "scheduler.pt": {0}, "rng_state.pth": {0}, "training_args.bin": {0}, "tokenizer.json": []byte("{}"), "tokenizer_config.json": []byte("{}")} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A map is written with its keys in alphabetical order, which is how PEFT writes them too.
func (a *adapter) settings() map[string]any {
	taken := func(name string, fallback any) any {
		if value, given := a.lora[name]; given {
			return value
		}
		return fallback
	}
	family := a.model.Type
	return map[string]any{
		"alpha_pattern": map[string]any{}, "auto_mapping": map[string]any{"base_model_class": a.model.className(), "parent_library": "transformers.models." + family + ".modeling_" + family},
		"base_model_name_or_path": a.model.path, "bias": taken("bias", "none"), "fan_in_fan_out": taken("fan_in_fan_out", false), "inference_mode": true,
		"init_lora_weights": taken("init_lora_weights", true), "layer_replication": nil, "layers_pattern": taken("layers_pattern", nil), "layers_to_transform": taken("layers_to_transform", nil),
		"loftq_config": map[string]any{}, "lora_alpha": taken("lora_alpha", 8), "lora_dropout": taken("lora_dropout", 0.0), "megatron_config": nil, "megatron_core": "megatron.core",
		"modules_to_save": taken("modules_to_save", nil), "peft_type": "LORA", "r": a.rank, "rank_pattern": map[string]any{}, "revision": taken("revision", nil),
		"target_modules": a.targets, "task_type": taken("task_type", nil), "use_dora": taken("use_dora", false), "use_rslora": taken("use_rslora", false),
	}
}

type tensor struct {
	Type    string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"`
}

// weights are a safetensors file: the length of a JSON header, the header, and the numbers in bfloat16.
func (a *adapter) weights() []byte {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data bytes.Buffer
	add := func(name string, rows, columns int) {
		start := data.Len()
		for i := range rows * columns {
			half := uint16(math.Float32bits(float32(math.Sin(float64(i+start))*0.02)) >> 16)
			_ = binary.Write(&data, binary.LittleEndian, half)
		}
		header[name] = tensor{"BF16", []int{rows, columns}, []int{start, data.Len()}}
	}
	for layer := range a.model.Layers {
		for _, each := range a.layers {
			name := fmt.Sprintf("base_model.model.model.layers.%d.%s", layer, each.path)
			add(name+".lora_A.weight", a.rank, each.inputs)
			add(name+".lora_B.weight", each.outputs, a.rank)
		}
	}
	text, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(out, text...), data.Bytes()...)
}
