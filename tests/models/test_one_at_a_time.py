"""What the libraries do to the whole process: one thread at a time, once more where it failed, looked at afterwards."""

import copy
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
)

from models.errors import HeadlightError
from models.loading import load_model
from models.loading.checks_after_reading import UnsoundModelError, check_sound
from models.loading.checks_before_reading import ModelRefusedError
from models.loading.packs import PackError
from models.one_at_a_time import alone, one_at_a_time
from tests.models import architectures
from tests.models.test_threads import all_at_once

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("minilm", "smollm2", "spelling_to_sound")


class Failing:
    """Fails so often, with these errors, then gives 7."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return 7


def test_what_failed_once_is_tried_again_before_anybody_is_told(caplog):
    work = Failing(ImportError("cannot import name 'LogitsProcessor' from 'transformers'"))
    assert alone(work) == 7
    assert work.calls == 2
    assert "LogitsProcessor" in caplog.text


def test_what_fails_twice_is_told():
    work = Failing(ImportError("one"), ImportError("two"), ImportError("three"))
    with pytest.raises(ImportError, match="two"):
        alone(work)
    assert work.calls == 2


@pytest.mark.parametrize("error", [HeadlightError("A sentence."), MemoryError()])
def test_an_answer_is_not_tried_again(error):
    work = Failing(error)
    with pytest.raises(type(error)):
        alone(work, is_final=lambda error: isinstance(error, MemoryError))
    assert work.calls == 1


def test_nobody_else_is_inside():
    inside, most = [], []

    def work():
        with one_at_a_time():
            inside.append(1)
            most.append(len(inside))
            # A block inside another is part of it.
            alone(lambda: threading.Event().wait(0.01))
            inside.pop()

    all_at_once([work] * 8)
    assert max(most) == 1


def test_no_two_models_are_read_at_once(monkeypatch):
    """Whatever else is asked for at the same moment: weights and tokenizers of three models, twice each."""
    reading, most = [], []

    def watched(right):
        def read(*args, **kwargs):
            reading.append(threading.current_thread())
            most.append(len({*reading}))
            try:
                return right(*args, **kwargs)
            finally:
                reading.remove(threading.current_thread())

        return read

    for owner in (AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer):
        monkeypatch.setattr(owner, "from_pretrained", watched(owner.from_pretrained))
    tied = all_at_once([lambda name=name: load_model(name) for name in MODELS * 2])
    assert most
    assert max(most) == 1
    for loaded in tied:
        head = loaded.model.get_output_embeddings()
        if loaded.card.name == "smollm2":
            assert head.weight is loaded.model.get_input_embeddings().weight


def test_tie_weights_that_was_swapped_is_put_back_and_the_model_read_again(monkeypatch):
    """So it is left when two models were read at once; each tied model after that came without its head."""
    right = PreTrainedModel.tie_weights
    monkeypatch.setattr(PreTrainedModel, "tie_weights", lambda *_, **__: None)
    loaded = load_model("smollm2")
    assert PreTrainedModel.tie_weights is right
    assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight


@pytest.mark.parametrize("often", [1, 2])
@pytest.mark.parametrize("kind", ["loose", "nowhere"])
def test_a_model_that_came_out_wrong_is_read_again(monkeypatch, kind, often):
    right: Any = AutoModelForCausalLM.from_pretrained
    left = [kind] * often

    def wrong(*args, **kwargs):
        model, notes = right(*args, **kwargs)
        if left:
            left.pop()
            weight = model.lm_head.weight
            model.lm_head.weight = torch.nn.Parameter(weight.clone() if kind == "loose" else weight.to("meta"))
            notes["missing_keys"] = {"lm_head.weight"}
        return model, notes

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", wrong)
    if often == 1:
        loaded = load_model("smollm2")
        assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight
    else:
        with pytest.raises((PackError, ModelRefusedError), match="UnsoundModelError"):
            load_model("smollm2")


def test_every_architecture_of_the_tests_is_sound_and_seen_when_it_is_not():
    for name in ("llama", "t5", "bert"):
        model = copy.deepcopy(architectures.plain(name))
        check_sound(model, ())
        first = next(iter(dict(model.named_parameters())))
        module, _, last = first.rpartition(".")
        setattr(model.get_submodule(module), last, torch.nn.Parameter(model.get_parameter(first).to("meta")))
        with pytest.raises(UnsoundModelError, match="never read"):
            check_sound(model, ())


def test_importing_the_engine_imports_nothing_that_computes():
    run("from models.one_at_a_time import libraries_are_here; import models.engine; assert not libraries_are_here()")


@pytest.mark.slow
def test_forty_threads_import_at_once():
    """Each another name, all in the first moment of a process."""
    run(
        """
        import sys, threading
        from models.one_at_a_time import libraries
        sys.setswitchinterval(1e-5)
        names = ["attention:TraceRequest", "decoding:DecodingSettings", "embeddings:EmbedRequest",
                 "kv_cache:predict", "tokenization:tokenize", "model_facts:model_facts", "loading:load_model",
                 "loading.hub:look_up"]
        wrong, begin = [], threading.Barrier(40)
        def one(name):
            module, _, thing = name.partition(":")
            begin.wait()
            try:
                libraries("models.tokenization" if module == "tokenization" else "models")
                exec(f"from models.{module} import {thing}", {})
            except Exception as error:
                wrong.append(error)
        threads = [threading.Thread(target=one, args=(names[number % len(names)],)) for number in range(40)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not wrong, wrong
        """
    )


@pytest.mark.slow
def test_an_import_that_another_thread_was_in_the_way_of_is_made_again():
    """Streamlit's threads import narwhals by themselves, which scikit-learn imports too."""
    run(
        """
        import sys
        class InTheWay:
            often = 1
            def find_spec(self, name, path=None, target=None):
                if name == "sklearn.manifold" and self.often:
                    self.often -= 1
                    raise RuntimeError("deadlock detected")
        sys.meta_path.insert(0, InTheWay())
        import numpy as np
        from models.embeddings import project
        vectors = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)
        assert project(vectors, "pca").trust is not None
        """
    )


OTHERS = ("tokenizers", "embeddings", "kv_cache", "sampling", "home")


@pytest.mark.parametrize("page", ["attention", *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS)])
def test_no_page_imports_what_computes_beside_others(page):
    """Whoever is the first in a process: each module that computes is imported by whoever is alone."""
    run(
        f"""
        import sys, threading, traceback
        from streamlit.testing.v1 import AppTest
        from streamlit.util import calc_hash
        import models.one_at_a_time as one
        # Not models.tokenization: a page that only cuts texts imports it at once, and it imports nothing in a circle.
        HEAVY = ("torch", "transformers", *(f"models.{{each}}" for each in
                 ("attention", "decoding", "embeddings", "kv_cache", "model_facts", "loading.load")))
        wrong = []
        class Watch:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name.startswith(HEAVY) and not one._lock._is_owned() and "models" not in one._here:
                    wrong.append((name, traceback.format_stack()[-12:]))
        sys.meta_path.insert(0, Watch)
        test = AppTest.from_file("app.py", default_timeout=120)
        test.query_params["text"] = "though"
        test.query_params["model"] = "spelling_to_sound"
        test.query_params["written"] = "temperature=1.0"
        test._page_hash = calc_hash("{page}")
        test.run()
        assert not wrong, "".join([wrong[0][0], *wrong[0][1]])
        assert not test.exception
        """
    )


def run(program):
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
