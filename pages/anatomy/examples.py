"""The anatomy page's ready-made examples. Their figures are tested against the models."""

from pages.anatomy.choices import (
    ATT_HEAD,
    ATT_KEY,
    ATT_LAYER,
    EDITED,
    MLP_LAYER,
    NEURON,
    NEURONS,
    SAID_OFF,
    SAID_TOKEN,
    SAYS,
)
from pages.shared import thread
from pages.shared.examples import ReadyMade
from pages.shared.page import tab_name

EXAMPLES = (
    ReadyMade(
        "decoder",
        {thread.MODEL: "smollm2", thread.TEXT: "The capital of France is"},
        "Thirty equal layers, each attention and an MLP, each of which adds to the residual stream. Press a part: what "
        "is in it opens below.",
    ),
    ReadyMade(
        "Paris",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "The capital of France is",
            SAID_TOKEN: "Paris",
            SAID_OFF: "decoder.29.mlp",
            thread.TAB: tab_name(SAYS),
        },
        "The MLP of layer 29 adds most to *Paris*: +6.98 of 17.4. Without it *Paris* falls from 77.3 % to 10.0 %; the "
        "same done to each of 15 other MLPs leaves it 43.9 % in the middle.",
    ),
    ReadyMade(
        "neuron",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "The capital of France is",
            MLP_LAYER: 24,
            NEURON: 963,
            thread.TAB: tab_name(NEURONS),
        },
        "Neuron 963 of layer 24 pushes *Western*, *European*, *English*; read where it fires most, below.",
    ),
    ReadyMade(
        "encoder",
        {thread.MODEL: "minilm", thread.TEXT: "The animal didn't cross the street because it was too tired."},
        "BERT's layers: each norm comes after the sum. More than half of all parameters are the table of tokens.",
    ),
    ReadyMade(
        "both",
        {thread.MODEL: "spelling_to_sound", thread.TEXT: "knight"},
        "Two stacks: in each layer of the decoder a second attention looks at what the encoder made.",
    ),
    ReadyMade(
        "order",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "Mary gave John a book. The person who has the book now is",
            thread.TAB: "how-does-it-know-the-order",
            ATT_LAYER: 16,
            ATT_HEAD: 0,
            ATT_KEY: 12,
        },
        "With every token at the first place *John* falls from 55 % to 0.6 %. L16 H0 looks at the token before: "
        "without the turn it would not know which one that is.",
    ),
    ReadyMade(
        "families",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "the cat sat on the mat",
            thread.TAB: "three-families-one-sentence",
            EDITED: "the dog sat on the mat",
        },
        "Another second word: the encoder changes in every row, the decoder in none before it.",
    ),
)
