"""What a preset of the sampling page takes along, and what is said there is to see."""

import pytest

from pages.sampling.examples import EXAMPLES
from pages.sampling.presets import PRESETS
from tests.pages.sampling_screen import PARIS, Sampling

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_a_preset_follows_no_token_of_the_view_before():
    screen = Sampling(model="smollm2", text=PARIS, pick="100")
    assert screen.query["pick"] == "100"
    assert "pick" not in screen.press("preset_Wild").query


def explained(screen):
    return [each.value for block in screen.blocks("inspector") for each in block.markdown]


@pytest.mark.parametrize("preset", PRESETS[2:], ids=lambda each: each.label)
def test_what_there_is_to_see_is_of_the_preset_that_was_pressed(preset):
    screen = Sampling().press(f"preset_{preset.label}")
    assert "top-p" not in screen.survivors
    assert preset.look in explained(screen)
    assert not any("10 of 49,152" in each for each in explained(screen))


def test_what_there_is_to_see_stays_while_one_does_it():
    """It asks for another temperature; what it says of the first one names it."""
    screen = Sampling().slide("temperature", 1.6)
    assert EXAMPLES[0].look in explained(screen)
    assert "at T = 1, a top-p of 0.9 leaves 10 of 49,152 tokens" in EXAMPLES[0].look
