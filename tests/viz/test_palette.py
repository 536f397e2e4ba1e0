"""The palette can be read by everybody: contrast after WCAG 2.1, and amounts that also work in grey."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from viz.palette import DARK, LIGHT, PAGE_BLUE, for_browser

THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


def channels(colour):
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def luminance(colour):
    """Relative luminance (WCAG 2.1, definitions)."""
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels(colour)]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", THEMES)
@pytest.mark.parametrize("role", ["accent", "ink", "quiet"])
def test_what_is_read_stands_out_from_the_ground(palette, role):
    assert contrast(getattr(palette, role), palette.ground) >= 4.5


@pytest.mark.parametrize("palette", THEMES)
def test_the_tip_can_be_read(palette):
    """It is written in the ground's colour on ink."""
    assert contrast(palette.ground, palette.ink) >= 4.5


def lightness(colour):
    """L* of CIELAB, which is even to the eye as luminance is not."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 216 / 24389 else y * 24389 / 27


def between(palette):
    """The ramp as it is drawn: 256 steps, interpolated linearly between the stops."""
    stops = [channels(colour) for colour in palette.amount]
    for step in range(256):
        place = step / 255 * (len(stops) - 1)
        low = min(int(place), len(stops) - 2)
        mixed = [a + (b - a) * (place - low) for a, b in zip(stops[low], stops[low + 1], strict=True)]
        yield "#" + "".join(f"{round(255 * each):02x}" for each in mixed)


@pytest.mark.parametrize("palette", THEMES)
def test_more_is_always_further_from_the_ground(palette):
    away = [abs(lightness(colour) - lightness(palette.ground)) for colour in between(palette)]
    assert all(later >= earlier for earlier, later in itertools.pairwise(away))
    assert away[0] < 5, "nothing looks like the ground"
    assert away[-1] > 60, "the most does not"


@pytest.mark.parametrize("palette", THEMES)
def test_the_stops_of_the_ramp_are_about_evenly_light(palette):
    steps = [abs(lightness(b) - lightness(a)) for a, b in itertools.pairwise(palette.amount)]
    assert max(steps) < 2 * min(steps)


@pytest.mark.parametrize("palette", THEMES)
def test_the_selection_stands_out_from_every_amount_by_hue(palette):
    """The accent is warm and the amounts are cold, which eyes without red or green cones also tell apart."""
    red, _, blue = channels(palette.accent)
    assert red > blue + 0.3
    for colour in palette.amount:
        red, _, blue = channels(colour)
        assert blue >= red


def test_the_ground_is_that_of_streamlits_theme():
    config = CONFIG.read_text()
    for name, palette in (("light", LIGHT), ("dark", DARK)):
        section = config.partition(f"[theme.{name}]")[2].partition("[")[0]
        assert f'backgroundColor = "{palette.ground}"' in section
        assert f'primaryColor = "{palette.accent}"' in section
        assert f'textColor = "{palette.ink}"' in section


def test_the_browser_gets_both_themes():
    sent = json.loads(json.dumps(for_browser()))
    assert sent["dark"]["accent"] == DARK.accent
    assert sent["light"]["amount"] == list(LIGHT.amount)


@pytest.mark.parametrize("palette", THEMES)
def test_text_can_be_read_on_every_ground_of_identity(palette):
    assert len(set(palette.identity)) == len(palette.identity) == 12
    assert all(contrast(palette.ink, ground) >= 4.5 for ground in palette.identity)


@pytest.mark.parametrize("palette", THEMES)
def test_many_heads_have_colours_that_stand_out_and_differ(palette):
    assert len(set(palette.heads)) == len(palette.heads) == 32
    assert all(contrast(colour, palette.ground) >= 3 for colour in palette.heads)
    for one, other in itertools.combinations(palette.heads[:12], 2):
        assert sum((a - b) ** 2 for a, b in zip(channels(one), channels(other), strict=True)) ** 0.5 > 0.12, (
            one,
            other,
        )


# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency", at full
# severity: what eyes see that lack red, green or blue cones.
SEEN = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def oklab(colour, cones):
    """Ottosson 2020: distances in it are even to the eye."""
    seen = np.clip(
        np.array(cones)
        @ [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels(colour)],
        0,
        1,
    )
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_lms) @ seen)


@pytest.mark.parametrize("cones", SEEN)
@pytest.mark.parametrize("palette", THEMES)
def test_kinds_of_roles_are_told_apart_by_every_eye(palette, cones):
    assert all(contrast(colour, palette.ground) >= 3 for colour in palette.roles)
    seen = [oklab(colour, SEEN[cones]) for colour in palette.roles]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 0.08


@pytest.mark.parametrize("palette", THEMES)
def test_less_and_more_are_told_apart_by_hue_and_are_as_strong(palette):
    """Purple and green, which eyes without red or green cones tell apart by blue; nothing looks like the ground."""
    less, *_, more = palette.difference
    assert palette.difference[3] == palette.amount[0]
    assert channels(less)[2] > channels(less)[1] + 0.1
    assert channels(more)[1] > channels(more)[2] + 0.1
    away = [abs(lightness(colour) - lightness(palette.ground)) for colour in palette.difference]
    assert away[0] > away[1] > away[2] > away[3] < away[4] < away[5] < away[6]
    assert abs(away[0] - away[6]) < 15


def test_a_picture_gets_only_the_colours_that_it_names():
    assert "heads" not in for_browser()["light"]
    assert for_browser("heads")["dark"]["heads"] == DARK.heads


@pytest.mark.parametrize("palette", THEMES)
def test_the_blue_of_the_pages_stands_out_from_either_ground(palette):
    assert contrast(PAGE_BLUE, palette.ground) >= 3


def test_nothing_else_has_a_colour():
    """Neither a style sheet nor Python nor a script; black and white are read on a colour or a photograph."""
    root = Path(__file__).resolve().parents[2]
    viz = root / "viz"
    own = {viz / "palette.py", viz / "bertviz_document.py"}
    files = [each for kind in ("py", "css", "js") for each in viz.rglob(f"*.{kind}") if each not in own]
    found = {
        (each.relative_to(root).as_posix(), colour)
        for each in (*files, *root.glob("pages/*/style.css"))
        for colour in re.findall(r"#[0-9a-f]{6}\b", each.read_text("utf-8"))
    }
    assert found == {
        ("viz/page.css", PAGE_BLUE),
        ("viz/components/scaffold/text_on_colour.js", "#000000"),
        ("viz/components/scaffold/text_on_colour.js", "#ffffff"),
        ("viz/components/scaffold/pictures.js", "#ffffff"),
    }
