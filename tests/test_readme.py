"""What README and the documents say about Python is run, line by line, as it stands there."""

import re
from pathlib import Path

import numpy as np
import torch
import transformers

from tests.viz.standalone_reader import kinds_of

ROOT = Path(__file__).resolve().parents[1]


def test_the_lines_of_python_run(tmp_path, monkeypatch, capsys):
    (lines,) = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "README.md").read_text())
    monkeypatch.chdir(tmp_path)
    exec(compile(lines, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("<AttentionTrace of MiniLM-L6 (encoder): 16 tokens, 6 encoder layers> ")
    with np.load(tmp_path / "maps.npz") as file:
        assert file["1.encoder.5"].shape == (12, 5, 5)
    (maps,) = kinds_of((tmp_path / "maps.html").read_text("utf-8")).values()
    assert maps.shape == (72, 16, 16)


def test_the_line_for_those_who_come_from_bertviz_runs(tmp_path, monkeypatch):
    (lines,) = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "docs" / "attention.md").read_text())
    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32, vocab_size=50
    )
    model = transformers.BertModel._from_config(config, attn_implementation="eager").eval()
    outputs = model(torch.arange(9)[None], output_attentions=True)
    monkeypatch.chdir(tmp_path)
    exec(compile(lines, "attention.md", "exec"), {"outputs": outputs, "tokens": [f"t{each}" for each in range(9)]})
    (maps,) = kinds_of((tmp_path / "maps.html").read_text("utf-8")).values()
    exact = torch.cat(outputs.attentions).reshape(8, 9, 9).detach().numpy()
    np.testing.assert_allclose(maps, exact, rtol=0, atol=5e-4 + 1e-7)
