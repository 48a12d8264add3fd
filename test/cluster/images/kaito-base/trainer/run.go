// Package trainer plays KAITO's fine_tuning.py under accelerate: it reads what the real one reads, dies of what the real one
// dies of, in its words and on its streams, and leaves a small valid adapter. No model is trained.
package trainer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kaito-base/accelerate"
	"kaito-base/control"
	"kaito-base/python"
)

// Run is one run of the script.
type Run struct {
	Stdout   *Stdout
	control  *control.Control
	hasGPU   bool
	launcher []string
}

const script = "/workspace/tfs/fine_tuning.py"

// Main runs the script; launcher are accelerate's own arguments, nil without it. The result is the exit code.
func Main(launcher []string) int {
	run := &Run{Stdout: NewStdout(), control: control.Open("trainer"), hasGPU: HasGPU(), launcher: launcher}
	if launcher != nil {
		accelerate.Notice(launcher)
	}
	err := run.script()
	var died *death
	if err != nil && !errors.As(err, &died) {
		died = &death{text: "Traceback (most recent call last):\n  File \"" + script + "\", line 155, in <module>\n    model.save_pretrained(ta_args.output_dir)\n" + osError(err) + "\n", exitCode: 1}
	}
	if died == nil {
		run.Stdout.Flush()
		return 0
	}
	if died.said != "" {
		run.Stdout.Print(died.said)
	}
	run.err(died.text)
	if died.bar != nil {
		died.bar.close()
	}
	run.Stdout.Flush()
	if launcher == nil {
		return died.exitCode
	}
	accelerate.Failure(script, died.exitCode)
	return 1
}

// HasGPU is whether a device plugin has given this container a GPU.
func HasGPU() bool {
	visible := os.Getenv("NVIDIA_VISIBLE_DEVICES")
	return visible != "" && visible != "void" && visible != "none"
}

func osError(err error) string {
	var failed *os.PathError
	if !errors.As(err, &failed) {
		return "OSError: " + err.Error()
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return "PermissionError: [Errno 13] Permission denied: " + python.Repr(failed.Path)
	case strings.Contains(err.Error(), "no space left"):
		return "OSError: [Errno 28] No space left on device: " + python.Repr(failed.Path)
	default:
		return "OSError: " + err.Error()
	}
}

func (r *Run) err(text string) { fmt.Fprint(os.Stderr, text) }

func timestamp() string { return time.Now().UTC().Format("01-02 15:04:05") }

func (r *Run) log(level, place, text string) {
	r.err(level + " " + timestamp() + " " + place + "] " + text + "\n")
}

func (r *Run) reach(point string) string { return r.control.Reach(point, r.Stdout.Flush) }

// script goes from its first line to its last. A nil error is success.
func (r *Run) script() error {
	r.reach("start")
	control.Wait(r.control.Now().StartMs, 200*time.Millisecond)
	path := os.Getenv("YAML_FILE_PATH")
	if path == "" {
		path = "/mnt/config/training_config.yaml"
	}
	written, err := readWritten(path)
	if err != nil {
		return err
	}
	r.Stdout.Print("training_config: " + python.Repr(written))
	settings, err := parse(r, written)
	if err != nil {
		return err
	}
	onCPU := settings["TrainingArguments"].truth("use_cpu", false)
	adapter, err := r.prepareModel(settings, onCPU)
	if err != nil {
		return err
	}
	data, train, evaluate, err := r.prepareData(settings)
	if err != nil {
		return err
	}
	if err := r.prepareTrainer(settings, adapter.model, data, train, evaluate); err != nil {
		return err
	}
	folder := settings["TrainingArguments"].text("output_dir", "trainer_output")
	if !strings.HasPrefix(folder, "/") {
		folder = filepath.Join("/workspace", folder)
	}
	if err := r.train(settings["TrainingArguments"], training{data: data, train: train, evaluate: evaluate, adapter: adapter, folder: folder}); err != nil {
		return err
	}
	r.reach("saving")
	if err := adapter.save(folder); err != nil {
		return err
	}
	sentinel := "Fine-Tuning completed at " + time.Now().UTC().Format("2006-01-02-15-04-05") + "\n"
	if err := os.WriteFile(filepath.Join(folder, "fine_tuning_completed.txt"), []byte(sentinel), 0o644); err != nil {
		return err
	}
	r.log("INFO", "fine_tuning.py:161", "Fine-Tuning completed\n")
	return nil
}

const quantisationMissing = "The installed version of bitsandbytes was compiled without GPU support. 8-bit optimizers and GPU quantization are unavailable."

func (r *Run) prepareModel(settings config, onCPU bool) (*adapter, error) {
	template, died := r.chatTemplate(settings["ModelConfig"])
	if died != nil {
		return nil, died
	}
	m, died := openModel(settings["ModelConfig"])
	if died != nil {
		return nil, died
	}
	if template != "" {
		m.useTemplate(template)
	}
	r.err("[transformers] `torch_dtype` is deprecated! Use `dtype` instead!\n")
	quantised := settings["QuantizationConfig"].truth("load_in_4bit", false)
	in8Bits := settings["QuantizationConfig"].truth("load_in_8bit", false)
	if onCPU && (quantised || in8Bits) {
		r.log("WARNING", "cextension.py:282", quantisationMissing)
	}
	r.reach("loading")
	duration := 300 * time.Millisecond
	if ms := r.control.Now().LoadMs; ms != nil {
		duration = time.Duration(*ms) * time.Millisecond
	}
	r.pass("Loading weights", "it", m.tensors(), duration)
	r.reach("loaded")
	r.log("INFO", "fine_tuning.py:95", "Model Loaded")
	if quantised || in8Bits {
		r.log("INFO", "fine_tuning.py:100", "QLoRA Enabled")
	}
	if in8Bits {
		return nil, dies("bits-8")
	}
	a, died := addAdapter(m, settings["LoraConfig"])
	if died != nil {
		return nil, died
	}
	if onCPU && !quantised {
		r.log("WARNING", "cextension.py:282", quantisationMissing)
	}
	r.Stdout.Print(a.summary())
	return a, nil
}

// chatTemplate is the template itself when it has a brace or a line break, or else what is in the file of that name.
func (r *Run) chatTemplate(chosen options) (string, *death) {
	given, written := chosen["chat_template"].(string)
	if !written {
		r.log("INFO", "parser.py:117", "None")
		return "", nil
	}
	r.log("INFO", "parser.py:117", given)
	if strings.ContainsAny(given, "{}\n") {
		given = strings.ReplaceAll(given, `\n`, "\n")
	} else {
		content, err := os.ReadFile(given)
		if err != nil {
			return "", dies("no-chat-template-file", "path", given)
		}
		given = string(content)
	}
	r.log("INFO", "parser.py:127", "Chat template loaded successfully")
	r.log("INFO", "parser.py:128", "Chat template:\n"+given)
	return given, nil
}

func (r *Run) prepareData(settings config) (data *dataset, train, evaluate int, err error) {
	data, died := loadDataset(settings["DatasetConfig"])
	if died != nil {
		return nil, 0, 0, died
	}
	r.err("\rGenerating train split: 0 examples [00:00, ? examples/s]")
	r.err(fmt.Sprintf("\rGenerating train split: %d examples [00:00, %d.00 examples/s]\n", len(data.rows), 1000+7*len(data.rows)))
	r.Stdout.Print("Dataset loaded successfully from " + data.path + " with file type '" + data.kind + "'.")
	train, evaluate, died = data.split(settings["DatasetConfig"])
	if died != nil {
		return nil, 0, 0, died
	}
	return data, train, evaluate, nil
}

// prepareTrainer are TRL's checks and its passes over the rows, before the first step.
func (r *Run) prepareTrainer(settings config, m *model, data *dataset, train, evaluate int) error {
	arguments := settings["TrainingArguments"]
	if arguments.truth("packing", false) || arguments.truth("padding_free", false) {
		return dies("padding-free")
	}
	if arguments.truth("assistant_only_loss", false) {
		return dies("assistant-only")
	}
	for _, part := range []struct {
		name string
		rows int
	}{{"train", train}, {"eval", evaluate}} {
		if part.rows > 0 {
			if err := r.prepareRows(data, m, part.name, part.rows); err != nil {
				return err
			}
		}
	}
	switch arguments.text("report_to", "none") {
	case "tensorboard":
		return dies("no-tensorboard")
	case "wandb":
		return dies("no-wandb")
	}
	return nil
}

func (r *Run) prepareRows(data *dataset, m *model, name string, rows int) error {
	const examples = " examples"
	if !data.isConversational() {
		if gap := data.gap(); gap >= 0 {
			b := r.newBar("Adding EOS to "+name+" dataset", examples, rows)
			b.done = gap
			b.close()
			return dies("mixed-columns")
		}
		r.pass("Adding EOS to "+name+" dataset", examples, rows, time.Millisecond)
	}
	if data.has("conversations") && data.isConversational() {
		r.pass("Converting "+name+" dataset to ChatML", examples, rows, time.Millisecond)
	}
	if died := data.problem(m); died != nil {
		r.newBar("Tokenizing "+name+" dataset", examples, rows).close()
		return died
	}
	for _, pass := range []string{"Tokenizing", "Building labels for", "Truncating", "Dropping fully masked examples from"} {
		r.pass(pass+" "+name+" dataset", examples, rows, 5*time.Millisecond)
	}
	return nil
}
