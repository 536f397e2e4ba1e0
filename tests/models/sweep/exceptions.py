"""Where the small figures do not do, each with its reason; and the classes and variants that no mapping names."""

from typing import Any

from tests.models.sweep.figures import AS_IT_IS

# Text encoders of models of pictures (or sounds) and texts.
TEXT_ENCODERS = (
    "Aimv2TextModel",
    "AlignTextModel",
    "AltCLIPTextModel",
    "Blip2TextModelWithProjection",
    "BlipTextModel",
    "CLIPSegTextModel",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "ChineseCLIPTextModel",
    "ClapTextModel",
    "ClapTextModelWithProjection",
    "FlavaTextModel",
    "GroupViTTextModel",
    "MetaClip2TextModel",
    "MetaClip2TextModelWithProjection",
    "OwlViTTextModel",
    "Owlv2TextModel",
    "Siglip2TextModel",
    "SiglipTextModel",
    "Tipsv2TextModel",
    "VideoPrismTextModel",
    "XCLIPTextModel",
)

_PLAIN = {"rope_type": "default", "rope_theta": 10_000.0}
_THREE_AXES = {**_PLAIN, "mrope_section": [2, 1, 1]}
_LLAMA_4_SCALED = {**_PLAIN, "llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 4}
_ATTENTION_SECOND = "two layers would both be without attention"
_SECTIONS = "its default cuts wider heads into three axes"

# Config class, or class of one model -> (what is set, why).
EXCEPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "BambaConfig": ({"attn_layer_indices": [1], "mamba_n_heads": 4}, _ATTENTION_SECOND),
    "Blip2QFormerConfig": ({"use_qformer_text_input": True}, "it reads pictures alone by default"),
    "BltConfig": (
        {"encoder_hash_byte_group_vocab": 64, "encoder_hash_byte_group_size": [3, 4]},
        "tables of hundreds of thousands of rows",
    ),
    "BltLocalDecoderConfig": ({"hidden_size_global": 32}, "the width of another part"),
    "BltLocalEncoderConfig": ({"hidden_size_global": 32}, "the width of another part"),
    "CohereCompassTextConfig": (
        {"rope_parameters": {"full_attention": _THREE_AXES, "sliding_attention": _THREE_AXES}},
        "its default names no rotary positions",
    ),
    "DbrxAttentionConfig": (
        {"kv_n_heads": 2, "rope_theta": 10_000.0, "clip_qkv": 8},
        "its modules read fields that its default has not",
    ),
    "DbrxFFNConfig": ({"hidden_size": 32, "moe_top_k": 2}, "one expert of four tells no routing"),
    "DeepseekV2Config": ({"num_experts_per_tok": 2}, "its default names no number of experts for a token"),
    "Dots1Config": (
        {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1},
        "its default has no experts, and its layers need some",
    ),
    "EncoderDecoderConfig": (
        {
            "encoder": {"num_hidden_layers": 3},
            "decoder": {"num_hidden_layers": 2, "is_decoder": True, "add_cross_attention": True},
        },
        "two models, the second of which has to be told that it writes, and of what",
    ),
    "EsmConfig": ({"vocab_size": 64, "mask_token_id": 61}, "its default has no vocabulary"),
    "EsmcConfig": ({"num_key_value_heads": 4}, "it takes no grouped heads"),
    "FunnelConfig": ({"block_sizes": (1, 1), "d_head": 8}, "the depth stands in the sizes of its blocks"),
    "GPTNeoConfig": ({"attention_types": [[["global", "local"], 1]]}, "its layers are listed by kind"),
    "Gemma3nTextConfig": (
        {
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "num_hidden_layers": 4,
            "num_kv_shared_layers": 2,
            "intermediate_size": 48,
            "activation_sparsity_pattern": [0.5, 0.0, 0.0, 0.0],
            "altup_num_inputs": 2,
        },
        "the last layers share keys with earlier ones of their kind",
    ),
    "Glm4vMoeTextConfig": ({"rope_parameters": {**_THREE_AXES, "partial_rotary_factor": 1.0}}, _SECTIONS),
    "Glm4vTextConfig": ({"rope_parameters": _THREE_AXES}, _SECTIONS),
    "GlmImageTextConfig": ({"rope_parameters": _THREE_AXES}, _SECTIONS),
    "GlmOcrTextConfig": ({"rope_parameters": _THREE_AXES}, _SECTIONS),
    "Glm5NextTextConfig": (
        {"index_kpool": 2, "qk_rope_head_dim": 0, "num_key_value_heads": 4},
        "its index pools keys, and its attention has no positions",
    ),
    "GraniteMoeHybridConfig": (
        {"layer_types": ["linear_attention", "full_attention"], "num_hidden_layers": 2},
        _ATTENTION_SECOND,
    ),
    "HunYuanVLTextConfig": ({"rope_parameters": {**_PLAIN, "xdrope_section": [1, 1, 1, 1]}}, _SECTIONS),
    "JambaConfig": ({"attn_layer_period": 2, "attn_layer_offset": 1}, _ATTENTION_SECOND),
    "LEDConfig": ({"attention_window": 4, "max_encoder_position_embeddings": 64}, "its window is even, and padded to"),
    "LongformerConfig": ({"attention_window": 4, "max_position_embeddings": 64}, "its window is even, and padded to"),
    "Lfm2Config": (
        {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2},
        "its default has attention only",
    ),
    "Lfm2MoeConfig": (
        {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2},
        "its default names no layers",
    ),
    "LiltConfig": ({"hidden_size": 48}, "its width is a multiple of 6 and of 4 heads of 4"),
    "LongcatFlashConfig": ({"head_dim": 4, "zero_expert_num": 2}, "the width of a head is that of its rotary part"),
    "LukeConfig": ({"entity_vocab_size": 16, "entity_emb_size": 16}, "entities that no text here names"),
    "Mamba2Config": ({"num_heads": 4, "head_dim": 16}, "heads times their width is twice the hidden size"),
    "Ministral3Config": ({"rope_parameters": _LLAMA_4_SCALED}, "queries are scaled by their distance"),
    "Mistral4Config": (
        {"rope_parameters": _LLAMA_4_SCALED, "head_dim": 4},
        "queries are scaled by their distance, and the width of a head is that of its rotary part",
    ),
    "MusicgenDecoderConfig": ({"num_codebooks": 1}, "a text is one row of tokens, and not one for each codebook"),
    "MusicgenMelodyDecoderConfig": ({"num_codebooks": 1}, "a text is one row of tokens, and not one for each codebook"),
    "NeoMMEConfig": ({"head_dim": 16}, "a quarter of a head is cut into two axes of pairs"),
    "Qwen2VLTextConfig": ({"rope_parameters": _THREE_AXES}, _SECTIONS),
    "Qwen2_5_VLTextConfig": ({"rope_parameters": _THREE_AXES}, _SECTIONS),
    "Qwen4ExpTextConfig": (
        {
            "indexer_n_heads": 2,
            "indexer_kv_heads": 1,
            "indexer_head_dim": 8,
            "indexer_budget": 4,
            "indexer_compress_ratio": 2,
            "hc_count": 2,
            "hc_lowrank": 8,
        },
        "its default names no indexer",
    ),
    "RecurrentGemmaConfig": ({"block_types": ["recurrent", "attention"]}, _ATTENTION_SECOND),
    "ReformerConfig": (
        {
            "axial_pos_shape": (5, 8),
            "axial_pos_embds_dim": (16, 16),
            "attention_head_size": 8,
            "attn_layers": ["local", "lsh"],
            "local_attn_chunk_length": 4,
            "lsh_attn_chunk_length": 4,
            "num_buckets": 2,
            "hash_seed": 0,
            "num_hashes": 1,
        },
        "positions are two axes, and keys stand in buckets",
    ),
    "RoCBertConfig": (
        {
            "pronunciation_embed_dim": 8,
            "pronunciation_vocab_size": 64,
            "shape_embed_dim": 8,
            "shape_vocab_size": 64,
        },
        "tables that no text here reads",
    ),
    "T5GemmaEncoderModel": ({"is_encoder_decoder": False}, "it takes a config that says it has no decoder"),
    "VibeVoiceAcousticTokenizerEncoderConfig": (
        {"depths": [1, 1, 1], "downsampling_ratios": [2, 2], "num_filters": 4},
        "hundreds of millions of weights that no text reaches",
    ),
    "XmodConfig": ({"default_language": "en_XX"}, "a text alone does not say its language"),
    "ZambaConfig": (
        {
            "layers_block_type": ["linear_attention", "hybrid"] * 2,
            "num_hidden_layers": 4,
            "attention_hidden_size": 64,
            "attention_head_dim": 16,
            "num_key_value_heads": 4,
        },
        "its attention layers share their weights, and read twice the width",
    ),
    "ZayaConfig": ({"num_experts_per_tok": 1, "router_hidden_size": 16}, "it takes one expert for a token"),
}

# "Class/variant" -> (what is set, why it is looked at).
VARIANTS: dict[str, tuple[dict[str, Any], str]] = {
    "BartForConditionalGeneration/2 + 4": (
        {"encoder_layers": 2, "decoder_layers": 4},
        "its decoder is deeper than its encoder",
    ),
    "EncoderDecoderModel/BERT and BERT": (
        {"models": ("BertModel", "BertLMHeadModel")},
        "it is handed over as two models, each with a config of its own",
    ),
    "EncoderDecoderModel/BERT and GPT-2": (
        {"models": ("BertModel", "GPT2LMHeadModel")},
        "the same, of two architectures",
    ),
    "FalconForCausalLM/new architecture": (
        {"new_decoder_architecture": True, "num_kv_heads": 2},
        "its heads are grouped, under another name than elsewhere",
    ),
    "Gemma2ForCausalLM/low cap": (
        {"attn_logit_softcapping": 2.0},
        "a cap that bends these scores, so that leaving it out is seen",
    ),
    "LlamaForCausalLM/tied": ({"tie_word_embeddings": True}, "its head is its table"),
    "Phi3ForCausalLM/stretched": (
        {
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10_000.0,
                "short_factor": [1.0] * 4,
                "long_factor": [2.0] * 4,
                "original_max_position_embeddings": 12,
            }
        },
        "its rotary positions change with the length of the text",
    ),
    "Qwen2ForCausalLM/window": (
        {
            "use_sliding_window": True,
            "sliding_window": 4,
            "max_window_layers": 1,
            "layer_types": ["full_attention", "sliding_attention"],
        },
        "a window that its default leaves off",
    ),
    "T5ForConditionalGeneration/2 + 4": (
        {"num_layers": 2, "num_decoder_layers": 4},
        "its decoder is deeper than its encoder",
    ),
    "T5GemmaForConditionalGeneration/no start token": (
        {"decoder_start_token_id": AS_IT_IS},
        "its config names no token to start with",
    ),
    "XmodModel/no language": ({"default_language": None}, "the language of a text is not said"),
}
