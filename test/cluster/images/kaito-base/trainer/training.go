package trainer

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"kaito-base/accelerate"
	"kaito-base/control"
	"kaito-base/python"
)

type training struct {
	data            *dataset
	train, evaluate int
	adapter         *adapter
	folder          string
}

// schedule is how long and in what rhythm the transformers trainer works.
type schedule struct {
	steps, perEpoch, rowsPerStep int
	logging, saving, evaluating  int
	logsFirst                    bool
	rate, warmup                 float64
	curve                        string
}

func (r *Run) schedule(arguments options, rows int) schedule {
	gpus := accelerate.Processes(r.launcher)
	batch := arguments.whole("per_device_train_batch_size", 8)
	accumulated := arguments.whole("gradient_accumulation_steps", 1)
	batches := (rows + batch*gpus - 1) / (batch * gpus)
	s := schedule{
		rowsPerStep: batch * accumulated * gpus, perEpoch: max(1, (batches+accumulated-1)/accumulated),
		logsFirst: arguments.truth("logging_first_step", false), rate: arguments.number("learning_rate", 2e-5), curve: arguments.text("lr_scheduler_type", "linear"),
	}
	s.steps = arguments.whole("max_steps", -1)
	if s.steps <= 0 {
		s.steps = max(1, int(math.Ceil(arguments.number("num_train_epochs", 3)*float64(s.perEpoch))))
	}
	s.warmup = arguments.number("warmup_steps", 0)
	if s.warmup < 1 {
		s.warmup = math.Ceil(max(s.warmup, arguments.number("warmup_ratio", 0)) * float64(s.steps))
	}
	every := func(strategy string, count float64) int {
		switch {
		case strategy == "no":
			return 0
		case strategy == "epoch":
			return s.perEpoch
		case count < 1:
			return max(1, int(math.Ceil(count*float64(s.steps))))
		}
		return int(count)
	}
	s.logging = every(arguments.text("logging_strategy", "steps"), arguments.number("logging_steps", 10))
	s.saving = every(arguments.text("save_strategy", "steps"), arguments.number("save_steps", 500))
	s.evaluating = every(arguments.text("eval_strategy", "no"), arguments.number("eval_steps", float64(max(1, s.logging))))
	return s
}

// rateAt is the learning rate that the step was made with.
func (s schedule) rateAt(step int) float64 {
	before := float64(step - 1)
	if before < s.warmup {
		return s.rate * before / s.warmup
	}
	progress := (before - s.warmup) / max(1, float64(s.steps)-s.warmup)
	switch {
	case strings.HasPrefix(s.curve, "constant"):
		return s.rate
	case strings.HasPrefix(s.curve, "cosine"):
		return s.rate * (1 + math.Cos(math.Pi*progress)) / 2
	}
	return s.rate * (1 - progress)
}

func (s schedule) lossAt(step int) float64 {
	return 0.8 + 2.5*math.Exp(-2.5*float64(step)/float64(s.steps)) + 0.05*math.Sin(5*float64(step))
}

// train is the loop: the bar on stderr, a dict of quoted numbers on stdout for each log entry.
func (r *Run) train(arguments options, t training) error {
	s := r.schedule(arguments, t.train)
	b := &bar{run: r, unit: "it", total: s.steps, started: time.Now(), disabled: arguments.truth("disable_tqdm", false)}
	if !b.disabled {
		r.Stdout.Flush()
	}
	b.draw()
	if died := firstStepProblem(arguments, t); died != nil {
		return died.on(b)
	}
	started, lossSum, since, tokens := time.Now(), 0.0, 0, 0
	for step := 1; step <= s.steps; step++ {
		control.Wait(r.control.Now().StepMs, 40*time.Millisecond)
		if r.reach(fmt.Sprintf("step:%d", step)) == "cuda-oom" {
			return outOfMemory().on(b)
		}
		lossSum += s.lossAt(step)
		for i := range s.rowsPerStep {
			tokens += t.data.tokens(step*s.rowsPerStep + i)
		}
		b.advance(step)
		if s.logging > 0 && (step%s.logging == 0 || step == 1 && s.logsFirst) {
			b.write(entry("", s, step, lossSum/float64(step-since), tokens))
			lossSum, since = 0, step
		}
		if t.evaluate > 0 && s.evaluating > 0 && step%s.evaluating == 0 {
			if arguments.whole("per_device_eval_batch_size", 8) > 1 && t.data.isUneven(t.evaluate) {
				return dies("unequal-batch").on(b)
			}
			b.evaluate(t.evaluate, entry("eval_", s, step, s.lossAt(step)+0.1, tokens))
		}
		if s.saving > 0 && step%s.saving == 0 {
			if err := t.adapter.saveCheckpoint(filepath.Join(t.folder, fmt.Sprintf("checkpoint-%d", step)), step, s.steps); err != nil {
				return err
			}
		}
	}
	b.write(summary(s, t, time.Since(started), since < s.steps, tokens))
	b.close()
	return nil
}

func firstStepProblem(arguments options, t training) *death {
	switch {
	case arguments.whole("per_device_train_batch_size", 8) > 1 && t.data.isUneven(t.train):
		return dies("unequal-batch")
	case t.adapter.lora["modules_to_save"] != nil:
		return dies("modules-to-save")
	case arguments.truth("use_cpu", false) && strings.HasPrefix(arguments.text("optim", ""), "paged_"):
		return dies("paged-optimizer")
	}
	return nil
}

func dict(pairs ...any) string {
	parts := make([]string, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, fmt.Sprintf("'%s': '%s'", pairs[i], python.FourDigits(pairs[i+1].(float64))))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func entry(prefix string, s schedule, step int, loss float64, tokens int) string {
	entropy, accuracy, epoch := 0.3+loss/8, 0.95-loss/8, float64(step)/float64(s.perEpoch)
	if prefix != "" {
		return dict("eval_loss", loss, "eval_runtime", 0.0235, "eval_samples_per_second", 84.97, "eval_steps_per_second", 84.97, "eval_entropy", entropy, "eval_num_tokens", float64(tokens), "eval_mean_token_accuracy", accuracy, "epoch", epoch)
	}
	return dict("loss", loss, "grad_norm", 1+loss/2, "learning_rate", s.rateAt(step), "entropy", entropy, "num_tokens", float64(tokens), "mean_token_accuracy", accuracy, "epoch", epoch)
}

// summary is the last entry. It has the sums of what no entry before it has told.
func summary(s schedule, t training, took time.Duration, hasRest bool, tokens int) string {
	mean := 0.0
	for step := 1; step <= s.steps; step++ {
		mean += s.lossAt(step) / float64(s.steps)
	}
	seconds := took.Seconds()
	pairs := []any{"train_runtime", seconds, "train_samples_per_second", float64(s.steps*s.rowsPerStep) / seconds, "train_steps_per_second", float64(s.steps) / seconds, "train_loss", mean}
	if hasRest {
		pairs = append(pairs, "entropy", 0.3+mean/8, "num_tokens", float64(tokens), "mean_token_accuracy", 0.95-mean/8)
	}
	return dict(append(pairs, "epoch", float64(s.steps)/float64(s.perEpoch))...)
}

// No GPU was there to see this one; the text is PyTorch's.
func outOfMemory() *death {
	return &death{exitCode: 1, text: "Traceback (most recent call last):\n  File \"" + script + "\", line 154, in <module>\n    trainer.train()\n" +
		"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.32 GiB. GPU 0 has a total capacity of 79.25 GiB of which 1.18 GiB is free. Process 93 has 78.06 GiB memory in use. Of the allocated memory 75.10 GiB is allocated by PyTorch, and 2.40 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)\n"}
}
