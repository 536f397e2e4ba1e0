"""What every head of every layer attends to, for any architecture that uses transformers' attention registry."""

from models.attention.heads_off import HeadsOff, HeadsOffRequest
from models.attention.inputs import InputError
from models.attention.interventions import CutLink, HideToken, Intervention, InterventionError, ReplacePattern, ZeroHead
from models.attention.pooling import block_starts, max_pooled, without_columns
from models.attention.requests import (
    Candidate,
    HeadGrid,
    HeadGridRequest,
    HeadMap,
    HeadMapRequest,
    HeadPicture,
    HeadPictureRequest,
    TracedText,
    TracedTextRequest,
    TraceRequest,
)
from models.attention.steps import Absence, AbsencesRequest, StepRows, StepRowsRequest, TooManyTokensError
from models.attention.trace import AttentionTrace, NoSuchMapError, NothingRecordedError, trace_attention, trace_rows

__all__ = [
    "Absence",
    "AbsencesRequest",
    "AttentionTrace",
    "Candidate",
    "CutLink",
    "HeadGrid",
    "HeadGridRequest",
    "HeadMap",
    "HeadMapRequest",
    "HeadPicture",
    "HeadPictureRequest",
    "HeadsOff",
    "HeadsOffRequest",
    "HideToken",
    "InputError",
    "Intervention",
    "InterventionError",
    "NoSuchMapError",
    "NothingRecordedError",
    "ReplacePattern",
    "StepRows",
    "StepRowsRequest",
    "TooManyTokensError",
    "TraceRequest",
    "TracedText",
    "TracedTextRequest",
    "ZeroHead",
    "block_starts",
    "max_pooled",
    "trace_attention",
    "trace_rows",
    "without_columns",
]
