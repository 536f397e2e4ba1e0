"""What the inspector of the sampling page says of a token that does not come."""

from types import SimpleNamespace

from models.decoding import DecodingSettings
from pages.sampling.inspector import _overtaken, _reasons


def test_the_stage_that_makes_another_token_likelier_is_named():
    stages = [SimpleNamespace(name=name) for name in ("raw", "repetition penalty", "temperature")]
    found = SimpleNamespace(drawn=SimpleNamespace(text="b", probabilities=(0.3, 0.5, 0.6)), stages=stages)
    one, other = (SimpleNamespace(probabilities=each) for each in ((0.6, 0.2, 0.1), (0.1, 0.1, 0.1)))
    assert _overtaken(found, one) == "repetition penalty makes “b” likelier"
    assert _overtaken(found, other) == "“b” is likelier to the model itself"


def test_why_a_token_was_cut_is_said_to_the_end():
    stages = [
        SimpleNamespace(name="raw", survivors=9, least=0.001, most=0.29),
        SimpleNamespace(name="min-p", survivors=2, least=0.25, most=0.75),
    ]
    token = SimpleNamespace(cut_by="min-p", probabilities=(0.0125, 0.0))
    why, left = _reasons(SimpleNamespace(stages=stages), token, DecodingSettings(8, min_p=0.2))
    said = "It had 1.25 %, which is less than 0.2 times the likeliest one's 29.0 %, that is 5.80 %."
    assert why.replace("\xa0", " ") == said
    assert left.replace("\xa0", " ") == "2 tokens were left after it; the least likely had 25.0 %."
    stages[1].survivors = 1
    assert _reasons(SimpleNamespace(stages=stages), token, DecodingSettings(8, min_p=0.2))[1].startswith(
        "1 token was left after it;"
    )


def test_what_the_stages_made_of_a_token_that_nothing_cut():
    stages = [
        SimpleNamespace(name=name, survivors=left) for name, left in (("raw", 9), ("temperature", 9), ("top-p", 3))
    ]
    token = SimpleNamespace(cut_by=None, probabilities=(0.0125, 0.00663, 0.00737))
    found = SimpleNamespace(stages=[*stages, SimpleNamespace(name="renormalised", survivors=3)])
    said = (
        "Nothing cut it: temperature lowered it from 1.25 % to 0.663 %; top-p raised it to 0.737 %, with a part of "
        "what it cut."
    )
    token.probabilities += (0.00737,)
    assert [each.replace("\xa0", " ") for each in _reasons(found, token, DecodingSettings(8, temperature=2.0))] == [
        said
    ]
    token.probabilities = (0.0125,) * 4
    assert _reasons(found, token, DecodingSettings(8)) == []
