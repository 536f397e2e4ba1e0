"""Classes that are wrong or crash today; each is a fault to be mended, and the list only ever gets shorter."""

KNOWN = frozenset(
    {
        "HiggsAudioV2ForConditionalGeneration",
        "MusicgenForCausalLM",
        "MusicgenMelodyForCausalLM",
        "MusicgenMelodyModel",
        "MusicgenModel",
    }
)
