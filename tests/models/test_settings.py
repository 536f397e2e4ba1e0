"""What the operator sets is understood, or refused with a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.settings import SettingError, check_settings, count_of, parsed_size, unknown_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2147483648", 2147483648),
        ("2GB", 2_000_000_000),
        ("2 gb", 2_000_000_000),
        ("800MB", 800_000_000),
        ("1.5G", 1_500_000_000),
        ("2GiB", 2**31),
        ("512 KiB", 2**19),
        (" 7 B ", 7),
        ("", None),
        ("0", None),
        ("-1", None),
        ("two", None),
        ("2XB", None),
        ("2 GB or so", None),
        ("٢", None),
        ("1e9", None),
        ("inf", None),
    ],
)
def test_sizes_take_units(text, size):
    assert parsed_size(text) == size


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("HEADLIGHT_CACHE_BYTES", "2GB", "plenty"),
        ("HEADLIGHT_MODEL_BYTES", "10 GiB", "0"),
        ("HEADLIGHT_MAX_DOWNLOAD", "800MB", "-5"),
        ("HEADLIGHT_MOST_MODELS", "3", "one"),
        ("HEADLIGHT_OFFLINE", "1", "maybe"),
        ("HEADLIGHT_MODELS", "shelf", "shelve"),
        ("HEADLIGHT_DEVICE", "cuda:1", "gpu"),
        ("HEADLIGHT_FOLDERS", "/srv/models:/data", "models"),
    ],
)
def test_what_means_nothing_is_refused(name, right, wrong):
    check_settings({name: right})
    check_settings({name: ""})
    with pytest.raises(SettingError, match=name):
        check_settings({name: wrong})


def test_a_misspelt_name_is_known_for_one():
    assert unknown_settings({"HEADLIGHT_CACHE_BYTE": "1", "HEADLIGHT_HOME": "/x", "HOME": "/"}) == [
        "HEADLIGHT_CACHE_BYTE"
    ]


def test_counts():
    assert [count_of(each) for each in ("3", "0", "-1", "one", "1.5", "")] == [3, None, None, None, None, None]


@pytest.mark.quick(1)
@pytest.mark.parametrize("setting", ["HEADLIGHT_CACHE_BYTES=plenty", "HEADLIGHT_MOST_MODELS=one"])
def test_the_server_does_not_start_with_it(setting):
    name, _, value = setting.partition("=")
    run = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address=127.0.0.1", "--server.port=0"],
        cwd=ROOT,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert f"Headlight does not start: {name}" in run.stderr
    assert "Traceback" not in run.stderr
