/**
 * Whether vLLM knows the architecture by the name that `config.json` gives it. KAITO refuses every other, before a node is
 * bought for it: https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/models/vllm_model_arch_list.txt
 */
export const isServedArchitecture = (name: string): boolean => servedArchitectures.has(name);

/** Most names are a family's name and what it does, so the latter is written once. */
const familiesByTask: Readonly<Record<string, string>> = {
  ForCausalLM: `
    AXK1 Afmoe Apertus Arcee Arctic BailingMoe BailingMoeV2 BailingMoeV2_5 Bloom Cohere Cohere2 Cohere2Moe Cwm DFlashLaguna Dbrx DeciLM Deepseek
    DeepseekOCR DeepseekOCR2 DeepseekV2 DeepseekV3 DeepseekV32 DeepseekV4 DeepseekVLV2 DotsOCR Eagle3DeepseekV2 Eagle3DeepseekV3 Eagle3Llama
    Eagle3MiniMaxM2 Eagle3Qwen2_5vl Eagle3Qwen3 Eagle3Qwen3vl EagleCohere EagleLlama EagleLlama4 EagleMiniCPM EagleMistral EagleMistralLarge3
    Ernie4_5 Ernie4_5_Moe Exaone Exaone4 ExaoneMoE Fairseq2Llama Falcon FalconH1 FalconMamba FlexOlmo Fuyu GLM4V GPTBigCode GPTJ GPTNeoX Gemma
    Gemma2 Gemma3 Gemma3n Gemma4 Glm Glm4 Glm4Moe Glm4MoeLite GlmMoeDsa GptOss Granite GraniteMoe GraniteMoeHybrid GraniteMoeShared HCXVision
    HCXVisionV2 HYV3 HrmText HunYuanDenseV1 HunYuanMoEV1 HyperCLOVAX IQuestCoder IQuestLoopCoder InternLM2 InternLM3 Jais2 Jamba KimiLinear
    LLaMA Laguna Lfm2 Lfm2Moe Llama Llama4 LongcatFlash MPT Mamba Mamba2 Mellum MiMo MiMoV2 MiMoV2Flash MiMoV2Omni MiniCPM MiniCPM3 MiniMaxM2
    MiniMaxM3Sparse Ministral3 Mistral MistralLarge3 Mixtral Molmo Moondream3 MoonshotKimia Mpt Nemotron NemotronH NemotronHPuzzle OPT Olmo
    Olmo2 Olmo3 OlmoHybrid Olmoe Orion Ouro Ovis2_6 Ovis2_6_Moe PanguEmbedded PanguProMoEV2 PanguUltraMoE Param2MoE PeagleLlama PeagleQwen3
    Persimmon Phi Phi3 Phi3V Phi4MM PhiMoE Plamo2 Plamo3 Qwen2 Qwen2Moe Qwen3 Qwen3Moe Qwen3Next RW Rnj1 SarvamMLA SarvamMoE SeedOss SmolLM3
    Solar StableLMEpoch StableLm Starcoder2 Step1 Step3Text Step3p5 TeleChat TeleChat2 TeleChat3 TeleFLM Transformers TransformersMoE
    TransformersMultiModal TransformersMultiModalMoE UnlimitedOCR Zamba2`,
  ForConditionalGeneration: `
    Aria AudioFlamingo3 Bagel Bee Blip2 Chameleon ChatGLM Cheers Cohere2Vision CohereAsr Cosmos3 Eagle2_5_VL Emu3 Ernie4_5_VLMoe Exaone4_5_
    FireRedASR2 FireRedLID FunASR FunAudioChat Gemma3 Gemma3n Gemma4 Gemma4Unified Glm4v Glm4vMoe GlmAsr GlmOcr Granite4Vision GraniteSpeech
    GraniteSpeechPlus HunYuanVL Idefics3 InternS1 InternS1Pro InternS2Preview InternVL Isaac KananaV Keye KeyeVL1_5 KimiK25 KimiVL Lfm2Vl
    LightOnOCR Llama4 Llava LlavaNext LlavaNextVideo LlavaOnevision LlavaOnevision2 MiniCPMV4_6 MiniMaxM3Sparse Mistral3 Molmo2
    MossTranscribeDiarize NemotronParse OpenCUA OpenPanguVL PaddleOCRVL PaliGemma Pixtral QianfanOCR Qwen2Audio Qwen2VL Qwen2_5Omni Qwen2_5_VL
    Qwen3ASR Qwen3OmniMoe Qwen3VL Qwen3VLMoe Qwen3_5 Qwen3_5Moe R SmolVLM Step3VL Step3p7 StepVL Voxtral Whisper`,
  Model: `
    BailingMoeV25MTP Bert BertSpladeSparseEmbedding BgeM3Embedding CLIP ChatGLM ColBERTJinaRoberta ColBERTLfm2 ColBERTModernBert DFlashDraft
    DSparkDraft DeepSeekMTP DeepSeekV4MTP EagleDeepSeekMTP ErnieMTP ExtractHiddenStates GPT2LMHead Gemma2 Gemma3Text Gemma4MTP Glm4MoeLiteMTP
    Glm4MoeMTP GlmOcrMTP Gte GteNew H2OVLChat HYV3MTP InternLM2ForReward InternVLChat JinaEmbeddingsV5 Llama LlamaBidirectional LlamaNemotronVL
    LongCatFlashMTP Medusa MiDashengLM MiMoMTP MiMoV2MTP MiMoV2OmniMTP Mistral ModernBert MossAudio NemotronHMTP NomicBert OpenPanguMTP
    OpsColQwen3 PEagleDraft Qwen2 Qwen2ForProcessReward Qwen2ForReward Qwen2_5Omni Qwen3DSpark Qwen3VLNemotronEmbed Roberta Siglip
    SkyworkR1VChat TransformersEmbedding TransformersMoEEmbedding TransformersMultiModalEmbedding Ultravox VoyageQwen3BidirectionalEmbed
    XLMRoberta`,
  ForSequenceClassification: `
    Bert GPT2 GteNew Jamba LlamaBidirectional LlamaNemotronVL ModernBert Roberta Transformers TransformersMoE TransformersMultiModal XLMRoberta`,
  ForTokenClassification: `
    Bert ModernBert OpenAIPrivacyFilter Qwen3ASRForcedAligner`,
  ForRetrieval: `
    ColModernVBert ColPali`,
  MTP: `
    Exaone4_5_ ExaoneMoe MiniMaxM3 Qwen3Next Qwen3_5 Qwen3_5Moe Step3p5`,
  '': `
    Cheers ColQwen3 ColQwen3_5 DiffusionGemmaForBlockDiffusion GritLM HF_ColBERT HfMoondream JinaForRanking JinaVLForRanking
    LlamaForCausalLMEagle3 Llama_Nemotron_Nano_VL MiniCPMO MiniCPMV NVLM_D NemotronH_Nano_Omni_Reasoning_V3 NemotronH_Nano_VL_V2
    NemotronH_Super_Omni_Reasoning_V3 OpenVLAForActionPrediction Ovis Ovis2_5 Phi4ForCausalLMV PrithviGeoSpatialMAE Qwen3ASRRealtimeGeneration
    RobertaForMaskedLM Terratorch VoxtralRealtimeGeneration`,
};

export const servedArchitectures: ReadonlySet<string> = new Set(
  Object.entries(familiesByTask).flatMap(([task, families]) => families.trim().split(/\s+/).map((family) => `${family}${task}`)),
);
