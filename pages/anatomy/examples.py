"""The anatomy page's ready-made examples. Their figures are tested against the models."""

from pages.shared import thread
from pages.shared.examples import ReadyMade

EXAMPLES = (
    ReadyMade(
        "The capital of France",
        {thread.MODEL: "smollm2", thread.TEXT: "The capital of France is"},
        "Thirty equal layers, each attention and an MLP, each of which adds to the residual stream. Press a part: what "
        "is in it opens below.",
    ),
    ReadyMade(
        "an encoder",
        {thread.MODEL: "minilm", thread.TEXT: "The animal didn't cross the street because it was too tired."},
        "BERT's layers: each norm comes after the sum. A third of all parameters is the table of tokens.",
    ),
    ReadyMade(
        "encoder and decoder",
        {thread.MODEL: "spelling_to_sound", thread.TEXT: "knight"},
        "Two stacks: in each layer of the decoder a second attention looks at what the encoder made.",
    ),
)
