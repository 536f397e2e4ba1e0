"""What the inspector of the sampling page says of a token that does not come."""

from types import SimpleNamespace

from pages.sampling.inspector import _overtaken


def test_the_stage_that_makes_another_token_likelier_is_named():
    stages = [SimpleNamespace(name=name) for name in ("raw", "repetition penalty", "temperature")]
    found = SimpleNamespace(drawn=SimpleNamespace(text="b", probabilities=(0.3, 0.5, 0.6)), stages=stages)
    one, other = (SimpleNamespace(probabilities=each) for each in ((0.6, 0.2, 0.1), (0.1, 0.1, 0.1)))
    assert _overtaken(found, one) == "repetition penalty makes “b” likelier"
    assert _overtaken(found, other) == "“b” is likelier to the model itself"
