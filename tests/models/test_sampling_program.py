"""The program behind the sampling page, with a model that has no next token."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.models.test_folders import save

PROGRAM = Path(__file__).resolve().parents[2] / "docs" / "programs" / "sampling.py"


def test_numbers_of_a_random_head_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), str(save("bert", tmp_path / "bert")), "w11 w23 w5"])
    with pytest.raises(SystemExit, match=r"no head that predicts a next token \(.+ is missing\)"):
        runpy.run_path(str(PROGRAM), run_name="__main__")
    assert capsys.readouterr().out == ""


def test_a_decoder_has_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), str(save("gpt2", tmp_path / "gpt2")), "w11 w23 w5", "top_k=3"])
    runpy.run_path(str(PROGRAM), run_name="__main__")
    assert "TopKLogitsWarper" in capsys.readouterr().out
