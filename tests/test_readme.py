"""What README says about Python is run, line by line, as it stands there."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def test_the_lines_of_python_run(tmp_path, monkeypatch, capsys):
    (lines,) = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "README.md").read_text())
    monkeypatch.chdir(tmp_path)
    exec(compile(lines, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("<AttentionTrace of MiniLM-L6 (encoder): 16 tokens, 6 encoder layers> ")
    with np.load(tmp_path / "maps.npz") as file:
        assert file["1.encoder.5"].shape == (12, 5, 5)
