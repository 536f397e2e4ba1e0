"""What the configs of the tests' tiny models say, by the names that transformers' classes share."""

VOCABULARY = 64
WIDTH = 32
HEADS = 4
POSITIONS = 40
WINDOW = 4
ENCODER_LAYERS = 3
DECODER_LAYERS = 2

PLAIN = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
# Two query heads share one key and value head.
GROUPED = PLAIN | {"num_key_value_heads": 2}
WIDE_GROUPED = GROUPED | {"head_dim": 8}
# Keys are wider (4 + 4) than values (6), and the second layer is a mixture of experts.
LATENT = {
    "num_key_value_heads": HEADS,
    "q_lora_rank": 12,
    "kv_lora_rank": 10,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4,
    "v_head_dim": 6,
    "moe_intermediate_size": 24,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
}
# Fewer than the texts of the tests have tokens: what is not chosen must be seen.
INDEXED = LATENT | {"index_topk": 4, "index_n_heads": 2, "index_head_dim": 8}
# Of Qwen3-Next, of which every fourth layer has attention.
LINEAR = {
    "num_hidden_layers": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 6,
    "linear_conv_kernel_dim": 4,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
}
BART = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 3,
    "decoder_start_token_id": 2,
}
BART_LAYERS = {"encoder_layers": ENCODER_LAYERS, "decoder_layers": DECODER_LAYERS}
T5 = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": 48,
    "num_heads": HEADS,
    "pad_token_id": 0,
    "eos_token_id": 3,
    "decoder_start_token_id": 2,
}
T5_LAYERS = {"num_layers": ENCODER_LAYERS, "num_decoder_layers": DECODER_LAYERS}
