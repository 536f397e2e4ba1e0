"""How a model writes: one token after the other, or several continuations kept side by side (beams)."""

from models.decoding.beams import MOST_BEAMS, Beam, BeamSearch, beam_search
from models.decoding.loop import decode, decode_batch
from models.decoding.preparation import CannotWriteError
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.steps import GenerationStep

__all__ = [
    "MOST_BEAMS",
    "Beam",
    "BeamSearch",
    "CannotWriteError",
    "DecodingSettings",
    "GenerationStep",
    "SettingsError",
    "beam_search",
    "decode",
    "decode_batch",
]
