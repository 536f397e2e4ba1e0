"""How a model writes: one token after the other, or several continuations kept side by side (beams)."""

from models.decoding.beams import MOST_BEAMS, Beam, BeamSearch, beam_search
from models.decoding.loop import decode, decode_batch
from models.decoding.preparation import CannotWriteError
from models.decoding.requests import BeamSearchRequest, WriteRequest
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.steps import GenerationStep

__all__ = [
    "MOST_BEAMS",
    "Beam",
    "BeamSearch",
    "BeamSearchRequest",
    "CannotWriteError",
    "DecodingSettings",
    "GenerationStep",
    "SettingsError",
    "WriteRequest",
    "beam_search",
    "decode",
    "decode_batch",
]
