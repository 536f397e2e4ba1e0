"""What a seq2seq model writes for the thread's text by itself, which its decoder is then given."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.link import note

LONGEST_OUTPUT = 128


def greedy_output(status: DeltaGenerator) -> tuple[int, ...]:
    """The tokens, the likeliest at each step; where it comes to no end, its first ones, and so said.

    Raises HeadlightError.
    """
    from models.decoding import DecodingSettings, WriteRequest

    model, text = thread.MODEL.value, thread.TEXT.value
    longest = MODELS[model].most_tokens(text, LONGEST_OUTPUT)
    steps = ask(WriteRequest(model, text, DecodingSettings(max_new_tokens=longest)), status)
    if steps[-1].ends == "length":
        note(f"The model did not come to an end; its first {longest} tokens are shown.")
    return tuple(step.token_id for step in steps)
