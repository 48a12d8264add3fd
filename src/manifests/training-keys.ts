/** How a value must look for the trainer's argument parser. A `map` can only be given as text that is JSON. */
export type TrainingValueKind = 'text' | 'whole' | 'number' | 'flag' | 'texts' | 'wholes' | 'map' | 'never';

type Section = Readonly<Record<string, TrainingValueKind>>;

const kinds: readonly TrainingValueKind[] = ['text', 'whole', 'number', 'flag', 'texts', 'wholes', 'map', 'never'];

const section = (names: Readonly<Partial<Record<TrainingValueKind, string>>>): Section =>
  Object.fromEntries(kinds.flatMap((kind) => (names[kind] ?? '').split(/\s+/).filter(Boolean).map((name) => [name, kind] as const)));

/**
 * Every key that KAITO's trainer takes, by section: its own classes, and those of transformers 5.14, TRL 1.10 and PEFT 0.11
 * behind them. Any other key ends it.
 * https://github.com/kaito-project/kaito/blob/v0.12.0/presets/workspace/tuning/text-generation/parser.py#L33
 */
export const trainingSections = {
  ModelConfig: section({
    text: 'pretrained_model_name_or_path cache_dir revision torch_dtype device_map chat_template',
    flag: 'force_download output_loading_info local_files_only trust_remote_code',
    never: 'state_dict proxies',
  }),
  QuantizationConfig: section({
    text: 'quant_method bnb_4bit_compute_dtype bnb_4bit_quant_type bnb_4bit_quant_storage',
    number: 'llm_int8_threshold',
    flag: 'load_in_8bit load_in_4bit llm_int8_enable_fp32_cpu_offload llm_int8_has_fp16_weight bnb_4bit_use_double_quant',
    texts: 'llm_int8_skip_modules',
  }),
  LoraConfig: section({
    text: 'peft_type base_model_name_or_path revision task_type bias megatron_core',
    whole: 'r lora_alpha',
    number: 'lora_dropout',
    flag: 'inference_mode fan_in_fan_out use_rslora init_lora_weights use_dora',
    texts: 'target_modules modules_to_save layers_pattern layer_replication',
    wholes: 'layers_to_transform',
    never: 'auto_mapping rank_pattern alpha_pattern megatron_config loftq_config',
  }),
  TrainingArguments: section({
    text: `output_dir lr_scheduler_type optim optim_args optim_target_modules torch_compile_backend torch_compile_mode
      logging_strategy log_level log_level_replica report_to run_name project trackio_space_id trackio_bucket_id
      trackio_static_space_id eval_strategy save_strategy hub_token hub_model_id hub_strategy hub_revision
      metric_for_best_model train_sampling_strategy length_column_name ddp_backend deepspeed resume_from_checkpoint
      logging_dir chat_template_path dataset_text_field eos_token truncation_mode packing_strategy loss_type pad_token`,
    whole: `per_device_train_batch_size max_steps gradient_accumulation_steps torch_empty_cache_steps
      per_device_eval_batch_size eval_accumulation_steps save_total_limit seed data_seed dataloader_num_workers
      dataloader_prefetch_factor ddp_bucket_cap_mb ddp_timeout local_rank dataset_num_proc max_length pad_to_multiple_of`,
    number: `num_train_epochs learning_rate warmup_steps weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm
      label_smoothing_factor neftune_noise_alpha logging_steps eval_steps eval_delay save_steps warmup_ratio
      router_aux_loss_coef`,
    flag: `average_tokens_across_devices bf16 fp16 bf16_full_eval fp16_full_eval tf32 gradient_checkpointing torch_compile
      use_liger_kernel use_cache auto_find_batch_size logging_first_step log_on_each_node logging_nan_inf_filter
      include_num_input_tokens_seen disable_tqdm prediction_loss_only eval_on_start eval_do_concat_batches
      eval_use_gather_object batch_eval_metrics save_only_model save_on_each_node enable_jit_checkpoint push_to_hub
      hub_private_repo hub_always_push load_best_model_at_end greater_is_better ignore_data_skip
      restore_callback_states_from_checkpoint full_determinism use_cpu dataloader_drop_last dataloader_pin_memory
      dataloader_persistent_workers remove_unused_columns ddp_find_unused_parameters ddp_broadcast_buffers
      ddp_static_graph skip_memory_metrics do_train do_eval do_predict trust_remote_code shuffle_dataset packing
      padding_free eval_packing completion_only_loss assistant_only_loss activation_offloading`,
    texts: 'include_for_metrics label_names debug fsdp',
    map: `lr_scheduler_kwargs gradient_checkpointing_kwargs accelerator_config parallelism_config fsdp_config
      model_init_kwargs liger_kernel_config`,
    never: 'dataset_kwargs',
  }),
  DataCollator: section({
    text: 'tokenizer return_tensors',
    whole: 'pad_to_multiple_of seed',
    number: 'mlm_probability mask_replace_prob random_replace_prob',
    flag: 'mlm tf_experimental_compile whole_word_mask',
  }),
  DatasetConfig: section({
    text: 'dataset_path dataset_extension context_column response_column messages_column',
    whole: 'shuffle_seed',
    number: 'train_test_split',
    flag: 'shuffle_dataset',
  }),
} as const satisfies Record<string, Section>;

export type TrainingSectionName = keyof typeof trainingSections;

export const isTrainingSection = (name: string): name is TrainingSectionName => Object.hasOwn(trainingSections, name);

export const trainingValueKind = (sectionName: TrainingSectionName, key: string): TrainingValueKind | undefined => {
  const keys: Section = trainingSections[sectionName];
  return Object.hasOwn(keys, key) ? keys[key] : undefined;
};

/** Where a key belongs that was given without its section: some are in two, and the first named here is meant. */
const byLikelihood: readonly TrainingSectionName[] = ['TrainingArguments', 'LoraConfig', 'DatasetConfig', 'ModelConfig', 'QuantizationConfig', 'DataCollator'];

/** `r` or `LoraConfig.r`; undefined when no section has it. */
export const findTrainingKey = (name: string): { section: TrainingSectionName; key: string; kind: TrainingValueKind } | undefined => {
  const [first = '', ...rest] = name.split('.');
  const sections = rest.length > 0 ? [first].filter(isTrainingSection) : byLikelihood;
  const key = rest.length > 0 ? rest.join('.') : first;
  for (const candidate of sections) {
    const kind = trainingValueKind(candidate, key);
    if (kind) return { section: candidate, key, kind };
  }
  return undefined;
};

export const allTrainingKeys = (): string[] => byLikelihood.flatMap((name) => Object.keys(trainingSections[name]));
