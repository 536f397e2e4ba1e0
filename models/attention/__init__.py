"""What every head of every layer attends to, for any architecture that uses transformers' attention registry."""

from models.attention.inputs import InputError
from models.attention.interventions import CutLink, HideToken, Intervention, InterventionError, ReplacePattern, ZeroHead
from models.attention.trace import AttentionTrace, NoSuchMapError, NothingRecordedError, trace_attention, trace_rows

__all__ = [
    "AttentionTrace",
    "CutLink",
    "HideToken",
    "InputError",
    "Intervention",
    "InterventionError",
    "NoSuchMapError",
    "NothingRecordedError",
    "ReplacePattern",
    "ZeroHead",
    "trace_attention",
    "trace_rows",
]
