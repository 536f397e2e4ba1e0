"""Ready-made examples, each chosen because it shows something. Their figures are tested against the models."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AttentionExample:
    """A text, a head and a token worth a look, and what there is to see.

    kind, step: for a seq2seq model, the kind of attention and the step of the output that is selected.
    """

    label: str
    model: str
    text: str
    layer: int
    head: int
    token: int
    look: str
    kind: str | None = None
    step: int = 0


ATTENTION = (
    AttentionExample(
        label="it = the animal",
        model="minilm",
        text="The animal didn't cross the street because it was too tired.",
        layer=3,
        head=1,
        token=10,
        look="This head ties *it* to *animal*. Now change the last word: does *it* follow?",
    ),
    AttentionExample(
        label="tired → wide",
        model="minilm",
        text="The animal didn't cross the street because it was too wide.",
        layer=3,
        head=1,
        token=10,
        look="Now *it* should mean the street, but the head does not flip: the weight leaves *animal*, most of it for "
        "`[CLS]`, little for *street*.",
    ),
    AttentionExample(
        label="Dr. Z…",
        model="smollm2",
        text="Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z",
        layer=17,
        head=3,
        token=16,
        look="The text stops inside an invented name. This head finds what followed *Z* the first time: *or*.",
    ),
    AttentionExample(
        label="seven green…",
        model="smollm2",
        text="Zorblax ate seven green apples. Later that night, Zorblax ate seven green",
        layer=17,
        head=4,
        token=19,
        look="The head looks almost only at *apples*, the word that followed last time. Looking is not yet mattering.",
    ),
    AttentionExample(
        label="knight → N AY1 T",
        model="spelling_to_sound",
        text="knight",
        layer=2,
        head=1,
        token=1,
        look="This model turns spelling into sounds. Which letters does each sound listen to? Which could be left out?",
        kind="cross",
        step=0,
    ),
)


@dataclass(frozen=True)
class CacheExample:
    """A model, a text, how many tokens it goes on and at which of them the picture stops, and what there is to see."""

    label: str
    model: str
    text: str
    tokens: int
    drawn: int
    look: str


CACHES = (
    CacheExample(
        label="Once upon…",
        model="smollm2",
        text="Once upon a time there was a",
        tokens=20,
        drawn=5,
        look="Press *Next token*: one column lights up, all others stay as they are. That is the whole trick: without "
        "the cache every column would be computed again for every token.",
    ),
    CacheExample(
        label="a list",
        model="smollm2",
        text="The planets of the solar system are Mercury, Venus, Earth,",
        tokens=32,
        drawn=8,
        look="Look at the first column from L12 on: the values there are short. Many heads rest on the first token (a "
        "*sink*), and fetch next to nothing.",
    ),
    CacheExample(
        label="knight (two caches)",
        model="spelling_to_sound",
        text="knight",
        tokens=20,
        drawn=2,
        look="Two caches: that of the source is filled once and stands still, that of the output grows with each "
        "sound.",
    ),
)


@dataclass(frozen=True)
class TokenizersExample:
    """A text, tokenizers and a stretch (start and end in characters) worth a look, and what there is to see."""

    label: str
    text: str
    tokenizers: tuple[str, ...]
    stretch: tuple[int, int] | None
    look: str


TOKENIZERS = (
    TokenizersExample(
        label="strawberry",
        text="strawberry and a strawberry, 1234567, สวัสดี 🍓",
        tokenizers=("gpt2", "llama3", "bert"),
        stretch=(16, 27),
        look="GPT-2 cuts the first *strawberry* into pieces and the second not at all: with a space in front it is "
        "another piece. BERT has the fewest tokens, because it does not know the Thai word and the fruit.",
    ),
    TokenizersExample(
        label="numbers",
        text="12345 + 67890 = 80235\n3.14159, 1,000,000 and 2026-11-24",
        tokenizers=("gpt2", "llama3", "qwen", "smollm2"),
        stretch=(0, 5),
        look="Digits alone, by three, or as they came up in the training text: arithmetic looks different to each "
        "model.",
    ),
    TokenizersExample(
        label="languages",
        text="Good morning. Bonjour. Доброе утро. 早上好。 おはよう。 สวัสดี صباح الخير. शुभ प्रभात।",
        tokenizers=("gpt2", "llama4", "mistral", "bytes"),
        stretch=None,
        look="The same greeting costs some languages several times as much. What a tokenizer saw little of falls into "
        "bytes.",
    ),
    TokenizersExample(
        label="code",
        text="def mean(values):\n    total = 0\n    for value in values:\n        total += value\n"
        "    return total / len(values)\n",
        tokenizers=("gpt2", "llama3", "tekken"),
        stretch=(17, 22),
        look="Indentation: a token for each space, or one for all of them.",
    ),
    TokenizersExample(
        label="emoji",
        text="👩‍👩‍👧 👍🏽 🇩🇪 café café ﬁne",
        tokenizers=("gpt2", "qwen", "mistral", "bert"),
        stretch=None,
        look="One emoji is several characters and many bytes, and *café* can be written in two ways that look the "
        "same.",
    ),
    TokenizersExample(
        label="<s>",
        text="Ends here: <|endoftext|> or here </s> or [SEP]?",
        tokenizers=("gpt2", "mistral", "bert"),
        stretch=(11, 24),
        look="Typed in a text, each of these is the real special token for one tokenizer and plain text for the "
        "others. *More* has the switch.",
    ),
)


@dataclass(frozen=True)
class SamplingExample:
    """A model, a text and knobs that differ from the page's own, and what there is to see."""

    label: str
    model: str
    text: str
    knobs: tuple[tuple[str, float], ...]
    look: str


SAMPLING = (
    SamplingExample(
        label="Paris",
        model="smollm2",
        text="The capital of France is",
        knobs=(),
        look="The model is fairly sure: top-p leaves 10 of 49,152 tokens. Now move the temperature to 2: how many are "
        "left, and why does min-p help where top-p does not?",
    ),
    SamplingExample(
        label="T = 2",
        model="smollm2",
        text="The capital of France is",
        knobs=(("temperature", 2.0),),
        look="Flattened odds: *Paris* falls to a few percent, and the nucleus of 90 % now has thousands of tokens. Set "
        "top-p to 1 and min-p to 0.05.",
    ),
    SamplingExample(
        label="Once upon…",
        model="smollm2",
        text="Once upon a time, in a small village by the sea, there lived",
        knobs=(("temperature", 0.8), ("top_p", 0.95)),
        look="Press *Write*, then click on a token: what else could have come there? Choose another, and the text goes "
        "on from it.",
    ),
    SamplingExample(
        label="again…",
        model="smollm2",
        text="The rain in Spain falls. The rain in Spain falls. The rain in Spain",
        knobs=(("temperature", 0.0), ("repetition_penalty", 1.3)),
        look="A text that repeats itself is likely to go on so. The repetition penalty lowers every token that was "
        "there; switch it off in its stage and compare.",
    ),
    SamplingExample(
        label="knight",
        model="spelling_to_sound",
        text="knight",
        knobs=(("temperature", 1.5), ("top_p", 1.0)),
        look="The same knobs for a model that reads one text and writes another: the sounds of a word.",
    ),
)


@dataclass(frozen=True)
class EmbeddingsExample:
    """A model, a text (a line for each sentence) and a view of its vectors, and what there is to see.

    word, senses: a word that stands in each line, and what it means there. answer: the token that is followed through
    the layers. piece, minus, plus: what is looked up in the table.
    """

    label: str
    model: str
    text: str
    show: str
    look: str
    word: str = ""
    senses: tuple[str, ...] = ()
    answer: str = ""
    piece: str = ""
    minus: str = ""
    plus: str = ""


EMBEDDINGS = (
    EmbeddingsExample(
        label="bank",
        model="minilm",
        text="She opened an account at the bank.\nHe asked the bank for a loan.\n"
        "My bank charges a fee for every card.\nThe river burst its bank after the rain.\n"
        "We sat on the grassy bank and fished.\nAn otter slept on the muddy bank.",
        show="context",
        word="bank",
        senses=("money", "money", "money", "river", "river", "river"),
        look="Six sentences, one word. At the input *bank* is the same vector six times and differs only by its "
        "position. Press *Play*: where do the two meanings part?",
    ),
    EmbeddingsExample(
        label="Eiffel Tower",
        model="smollm2",
        text="The Eiffel Tower is located in the city of",
        show="lens",
        answer=" Paris",
        look="Each row is what the model would say if it stopped there. *Paris* starts far down; in which layer does "
        "it come to the front?",
    ),
    EmbeddingsExample(
        label="king − man + woman",
        model="minilm",
        text="The king spoke to the queen.",
        show="table",
        piece="king",
        minus="man",
        plus="woman",
        look="The rows of the table before any context. The nearest row to the sum is *king* itself, which is why such "
        "lists leave the inputs out.",
    ),
    EmbeddingsExample(
        label="strawberries",
        model="smollm2",
        text="strawberry",
        show="table",
        piece=" strawberry",
        look="What stands near a row of the table is often the same word in another spelling: with a capital, a "
        "plural, without its space.",
    ),
)
