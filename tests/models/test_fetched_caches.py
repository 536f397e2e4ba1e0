"""What the caches of fetched models keep, told from their configs: as those of the models themselves are measured."""

import json

from models.kv_cache import cache_shape
from models.kv_cache.fetched_configs import FetchedCachesRequest
from models.loading import load_model
from models.loading.hub import FetchedConfig, fetched_configs, repository_folder
from models.loading.hub_ids import HubId, hub_id
from tests.models.hub_fetching import MODEL, NAME, engine, files, hub, run

__all__ = ["engine", "files", "hub"]
BERT = json.dumps({"model_type": "bert"})


def test_what_was_fetched_is_known_with_its_cache(hub, engine):
    assert fetched_configs(8) == ()
    assert run(engine).error is None
    (config,) = fetched_configs(8)
    assert config.of == hub_id(NAME)
    (found,) = engine.run(FetchedCachesRequest((config,)))
    loaded = load_model(NAME)
    assert found.shape == cache_shape(loaded.model.config, type(loaded.model))
    assert found.architecture.name == f"{NAME}@main"
    assert found.planned.parameters == sum(each.numel() for each in loaded.model.parameters())
    assert found.architecture.source == f"https://huggingface.co/{MODEL}"


def test_what_is_half_there_is_not_listed(hub, engine):
    run(engine)
    next(repository_folder(hub_id(NAME)).glob("*/model.safetensors")).write_bytes(b"x")
    assert fetched_configs(8) == ()


def test_encoders_and_what_is_no_config_are_left_out(engine):
    configs = tuple(FetchedConfig(HubId("org/name", "main"), text) for text in (BERT, "[", "{}"))
    assert engine.run(FetchedCachesRequest(configs)) == ()
