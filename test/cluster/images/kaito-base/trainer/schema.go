package trainer

import (
	"regexp"
	"strings"
	"sync"
)

// kind is how argparse reads the words behind an option.
type kind int

const (
	text kind = iota
	whole
	number
	truth
	// One that may stand alone.
	flag
	texts_
	wholes
	// A dictionary as JSON text.
	jsonText
	// A dictionary that no text can give.
	dictionary
	choice
)

type option struct {
	kind    kind
	choices []string
}

type section map[string]option

// The sections of the file in the order in which the script parses them; the first mistake ends it.
var sectionOrder = []string{"ModelConfig", "QuantizationConfig", "LoraConfig", "TrainingArguments", "DatasetConfig", "DataCollator"}

// What argparse's own usage does not tell: the types of options that take one word.
var kinds = map[kind]string{
	whole: `r lora_alpha per_device_train_batch_size max_steps gradient_accumulation_steps torch_empty_cache_steps
		per_device_eval_batch_size eval_accumulation_steps save_total_limit seed data_seed dataloader_num_workers
		dataloader_prefetch_factor ddp_bucket_cap_mb ddp_timeout local_rank dataset_num_proc max_length pad_to_multiple_of
		shuffle_seed`,
	number: `num_train_epochs learning_rate warmup_steps weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm
		label_smoothing_factor neftune_noise_alpha logging_steps eval_steps eval_delay save_steps warmup_ratio
		router_aux_loss_coef lora_dropout llm_int8_threshold train_test_split mlm_probability mask_replace_prob
		random_replace_prob`,
	truth: `bf16 tf32 disable_tqdm hub_private_repo greater_is_better ddp_find_unused_parameters ddp_broadcast_buffers
		ddp_static_graph assistant_only_loss completion_only_loss eval_packing dataloader_persistent_workers`,
	jsonText: `lr_scheduler_kwargs gradient_checkpointing_kwargs accelerator_config parallelism_config fsdp_config
		model_init_kwargs liger_kernel_config`,
	dictionary: `dataset_kwargs state_dict proxies auto_mapping rank_pattern alpha_pattern megatron_config loftq_config`,
	wholes:     `layers_to_transform`,
}

// Sections whose usage was not seen; KAITO's own classes and the collator of transformers.
var unseen = map[string]map[kind]string{
	"ModelConfig": {
		text:       `pretrained_model_name_or_path cache_dir revision torch_dtype device_map chat_template`,
		flag:       `force_download output_loading_info local_files_only trust_remote_code`,
		dictionary: `state_dict proxies`,
	},
	"QuantizationConfig": {
		text:   `quant_method bnb_4bit_compute_dtype bnb_4bit_quant_type bnb_4bit_quant_storage`,
		number: `llm_int8_threshold`,
		flag: `load_in_8bit load_in_4bit llm_int8_enable_fp32_cpu_offload llm_int8_has_fp16_weight
			bnb_4bit_use_double_quant`,
		texts_: `llm_int8_skip_modules`,
	},
	"DatasetConfig": {
		text:   `dataset_path dataset_extension context_column response_column messages_column`,
		whole:  `shuffle_seed`,
		number: `train_test_split`,
		flag:   `shuffle_dataset`,
	},
	"DataCollator": {
		text:   `tokenizer return_tensors`,
		whole:  `pad_to_multiple_of seed`,
		number: `mlm_probability mask_replace_prob random_replace_prob`,
		flag:   `mlm tf_experimental_compile whole_word_mask`,
	},
}

var usageOption = regexp.MustCompile(`\[--([a-z0-9_]+)((?: [^\[\]]+)?(?: ?\[[^\]]*\])?)\]`)

var sections = sync.OnceValue(func() map[string]section {
	byName := map[string]kind{}
	for of, names := range kinds {
		for name := range strings.FieldsSeq(names) {
			byName[name] = of
		}
	}
	out := map[string]section{}
	for name, groups := range unseen {
		out[name] = section{}
		for of, names := range groups {
			for key := range strings.FieldsSeq(names) {
				out[name][key] = option{kind: of}
			}
		}
	}
	for _, name := range []string{"LoraConfig", "TrainingArguments"} {
		usage, err := texts.ReadFile("usage/" + name + ".txt")
		if err != nil {
			panic(err)
		}
		out[name] = readUsage(string(usage), byName)
	}
	return out
})

func readUsage(usage string, byName map[string]kind) section {
	known := section{}
	for _, match := range usageOption.FindAllStringSubmatch(strings.Join(strings.Fields(usage), " "), -1) {
		key, operand := match[1], strings.TrimSpace(match[2])
		of, typed := byName[key]
		switch {
		case typed:
			known[key] = option{kind: of}
		case strings.HasPrefix(operand, "{"):
			known[key] = option{kind: choice, choices: strings.Split(strings.Trim(operand, "{}"), ",")}
		case operand == "" || strings.HasPrefix(operand, "["):
			known[key] = option{kind: flag}
		case strings.Contains(operand, "..."):
			known[key] = option{kind: texts_}
		default:
			known[key] = option{kind: text}
		}
	}
	return known
}
