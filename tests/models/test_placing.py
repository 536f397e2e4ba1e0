"""Where models lie and in which precision, on devices that are not here: the same code, asked through the same door."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import dispatch_model
from transformers import LlamaForCausalLM

from models.attention import TraceRequest, trace_attention
from models.catalog import MODELS
from models.decoding import DecodingSettings, decode
from models.embeddings import embed
from models.engine import Engine, ModelPoolFullError
from models.engine.provider import provided
from models.loading import load, model_memory, placement, wrap_model
from models.loading.placement import Placement, bytes_by_device, failure_of, input_device, native_precision, places_for
from tests.models import architectures
from tests.models.architectures import IDS

GIB = 1024**3
SMOLLM2 = MODELS["smollm2"]


@pytest.fixture
def gpus(monkeypatch):
    """A machine with two GPUs of so many bytes for models each, and a CPU."""

    def pretend(bytes_each, count=2, kind="cuda", cpu=64 * GIB):
        rooms = {kind: bytes_each, "cpu": cpu}
        monkeypatch.setattr(placement, "choose_device", lambda: torch.device(kind))
        monkeypatch.setattr(placement, "most_model_bytes", lambda device: rooms[torch.device(device).type])
        monkeypatch.setattr(
            placement, "native_precision", lambda d: torch.float32 if d.type == "cpu" else torch.bfloat16
        )
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)

    return pretend


def test_precision_is_native(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    for is_native, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation, say=is_native: asked.append(1) or say
        )
        assert native_precision(torch.device("cuda:1")) == expected
        monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_, say=is_native: say)
        assert native_precision(torch.device("mps")) == expected
    assert asked
    assert native_precision(torch.device("cpu")) == torch.float32


def test_a_model_that_fits_goes_straight_to_the_gpu_and_else_to_the_cpu(gpus):
    gpus(GIB)
    first, last = places_for(SMOLLM2)
    assert (first.dtype, first.device_map, first.note) == (torch.bfloat16, {"": "cuda:0"}, "")
    assert first.takes == (("cuda:0", SMOLLM2.parameters * 2),)
    assert (last.dtype, last.device_map) == (torch.float32, {"": "cpu"})
    assert last.takes == (("cpu", SMOLLM2.parameters * 4),)
    assert "computes on the CPU" in last.note


def test_a_model_larger_than_a_gpu_lies_on_several(gpus):
    gpus(SMOLLM2.parameters * 3 // 2)
    first, last = places_for(SMOLLM2)
    assert first.device_map == "auto"
    assert first.takes == (("cuda:0", SMOLLM2.parameters * 3 // 2), ("cuda:1", SMOLLM2.parameters // 2), ("cpu", 0))
    assert first.max_memory == {0: SMOLLM2.parameters * 3 // 2, 1: SMOLLM2.parameters * 3 // 2, "cpu": 64 * GIB}
    assert "several" in first.note
    assert "0.3 GiB" in last.note
    gpus(SMOLLM2.parameters // 2)
    first, _ = places_for(SMOLLM2)
    assert first.takes[-1] == ("cpu", SMOLLM2.parameters)
    assert "slow" in first.note


def test_apple_s_gpu_has_no_second(gpus):
    gpus(SMOLLM2.parameters, kind="mps")
    (only,) = places_for(SMOLLM2)
    assert only.device_map == {"": "cpu"}
    assert "0.3 GiB" in only.note


def test_a_gpu_that_failed_is_not_asked(gpus):
    gpus(GIB)
    (only,) = places_for(SMOLLM2, frozenset({"cuda"}))
    assert only.device_map == {"": "cpu"}
    assert "failed" in only.note


# What a device may say, and what that means.
FAILURES = (
    (torch.OutOfMemoryError("CUDA out of memory."), "full"),
    (RuntimeError("MPS backend out of memory (MPS allocated: 6.17 GB)"), "full"),
    (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "full"),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory"), "full"),
    (RuntimeError("CUDA error: device-side assert triggered"), "failed"),
    (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "failed"),
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *FAILURES,
        (MemoryError(), "full"),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), None),
        (ValueError("CUDA error: in a text of somebody's"), None),
    ],
)
def test_a_failure_is_told_from_a_mistake(error, kind):
    assert failure_of(error) == kind


def test_torch_itself_says_it_so():
    """What the CPU's allocator writes when it has not enough, in this version."""
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**50, dtype=torch.uint8)
    assert failure_of(raised.value) == "full"


def test_a_full_gpu_the_cpu_and_the_note(gpus, monkeypatch):
    """The shelf's way through the places, with a real model at its end; the sidebar reads the note."""
    gpus(GIB)
    real, tried = load._read, []

    def read(card, place):
        tried.append(next(iter(place.device_map.values())))
        if tried[-1] != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 260.00 MiB")
        return real(card, place)

    monkeypatch.setattr(load, "_read", read)
    engine = Engine()
    loaded = engine.model("minilm")
    assert tried == ["cuda:0", "cpu"]
    assert loaded.note == "The GPU has no room beside the models in use, so MiniLM-L6 (encoder) computes on the CPU."
    assert loaded.device.type == "cpu"
    assert loaded.model.dtype == torch.float32
    assert engine.run(TraceRequest("minilm", "a text")).kinds == ("encoder",)


def test_the_room_of_a_gpu_is_asked_for_by_its_name(monkeypatch):
    """As the model pool knows devices: it knows no torch."""
    monkeypatch.delenv(model_memory.VARIABLE, raising=False)
    monkeypatch.setattr(model_memory, "device_memory", lambda device: {"cuda": 16, "cpu": 64}[device.type] * GIB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (12 * GIB, 16 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 0)
    assert provided().most_bytes("cuda:0") == 10.5 * GIB
    assert provided().most_bytes("cpu") == 32 * GIB


def test_the_place_says_the_precision():
    place = Placement(torch.bfloat16, {"": "cpu"}, (("cpu", 0),), note="because")
    loaded = load.load_model("minilm", place)
    assert (loaded.model.dtype, loaded.note) == (torch.bfloat16, "because")
    # Positions and token types are whole numbers, and as large as before.
    assert bytes_by_device(loaded.model)["cpu"] == pytest.approx(2 * loaded.card.parameters, rel=0.01)


def test_bytes_are_counted_once_for_shared_weights():
    model: Any = architectures.build("gpt2", "eager")
    assert model.get_output_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    buffers = sum(each.nbytes for each in model.buffers())
    assert bytes_by_device(model) == {"cpu": model.num_parameters() * 4 + buffers}


@pytest.mark.parametrize("name", ["llama", "gpt_oss", "bert", "bart"])
def test_a_model_whose_layers_lie_aside_computes_the_same(name, tmp_path):
    """As `device_map="auto"` does for layers beyond the GPU: weights are on "meta", and come for a layer's turn."""
    family = architectures.ARCHITECTURES[name].family
    model = architectures.build(name, "eager")
    layer = next(f"{path}.1" for path, module in model.named_modules() if isinstance(module, torch.nn.ModuleList))
    aside = dispatch_model(model, {"": "cpu", layer: "disk"}, main_device="cpu", offload_dir=tmp_path)
    assert any(parameter.device.type == "meta" for parameter in aside.parameters())
    loaded = wrap_model(aside, None, family)
    assert loaded.device == torch.device("cpu")
    ours, other = trace_attention(loaded, IDS), trace_attention(architectures.loaded(name), IDS)
    assert np.allclose(ours.outputs, other.outputs, atol=1e-6)
    for kind in other.kinds:
        for layer in other.layers(kind):
            assert np.allclose(ours.weights(kind, layer), other.weights(kind, layer), atol=1e-6)
    vectors, others = embed(loaded, IDS), embed(architectures.loaded(name), IDS)
    assert np.allclose(vectors.hidden_states, others.hidden_states, atol=1e-6)
    assert (vectors.first, vectors.last) == (others.first, others.last)


def test_inputs_go_where_the_embeddings_compute():
    model: Any = LlamaForCausalLM(architectures.ARCHITECTURES["llama"].config())
    assert input_device(model) == torch.device("cpu")
    model.get_input_embeddings().to("meta")
    hook = SimpleNamespace(execution_device="cuda:1")
    model.get_input_embeddings()._hf_hook = hook
    assert input_device(model) == torch.device("cuda:1")
    hook.execution_device = 0
    assert input_device(model) == torch.device("cuda:0")


def test_a_model_on_a_named_gpu_stays_there(gpus, monkeypatch):
    gpus(SMOLLM2.parameters)
    monkeypatch.setattr(placement, "choose_device", lambda: torch.device("cuda:1"))
    first, _ = places_for(SMOLLM2)
    assert [device for device, _ in first.takes] == ["cuda:1", "cpu"]
    (first, _) = places_for(replace(SMOLLM2, parameters=10))
    assert first.device_map == {"": "cuda:1"}


def test_decoding_goes_on_with_layers_aside(tmp_path):
    model = architectures.build("llama", "eager")
    places = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu"}
    places |= {"lm_head": "cpu", "model.rotary_emb": "cpu"}
    aside = wrap_model(dispatch_model(model, places, main_device="cpu", offload_dir=tmp_path), None, "decoder")
    settings = DecodingSettings(max_new_tokens=5)
    said = [[step.token_id for step in decode(each, IDS, settings)] for each in (aside, architectures.loaded("llama"))]
    assert said[0] == said[1]


@pytest.mark.slow
def test_the_bound_in_bytes_holds_with_real_models(monkeypatch):
    """600 MB have room for SmolLM2 (538 MB in float32) or for MiniLM (91 MB), and not for both."""
    monkeypatch.setenv("HEADLIGHT_DEVICE", "cpu")
    monkeypatch.setenv("HEADLIGHT_MODEL_BYTES", "600000000")
    engine = Engine()
    one = engine.run(TraceRequest("minilm", "a text")).last_output
    for name, other in (("smollm2", "minilm"), ("minilm", "smollm2")):
        engine.model(name)
        assert (engine.has_model(name), engine.has_model(other)) == (True, False)
        assert engine.memory().models <= 600_000_000
    assert np.array_equal(engine.run(TraceRequest("minilm", "a text")).last_output, one)
    monkeypatch.setenv("HEADLIGHT_MODEL_BYTES", "100000000")
    with pytest.raises(ModelPoolFullError, match=r"takes 0\.5 GiB, and models may take 0\.1 GiB here"):
        engine.model("smollm2")
    assert engine.has_model("minilm"), "what cannot come in pushes nothing out"
