"""What every head of every layer attends to, for any architecture that uses transformers' attention registry."""

from models.attention.bertviz_views import (
    BertVizError,
    BertVizRequest,
    BertVizSize,
    BertVizTooLargeError,
    bertviz_document,
)
from models.attention.changes import Changes, ChangesRequest, NextToken, WrittenStep
from models.attention.differences import ChangedMap, ChangedMapsRequest, MapDifference, MapDifferenceRequest
from models.attention.heads_off import HeadsOff, HeadsOffRequest
from models.attention.patterns import PATTERN_NAMES, PatternName, PatternRequest, pattern_rows
from models.attention.pictures import (
    THUMBNAIL_STEPS,
    HeadGrid,
    HeadGridRequest,
    HeadPicture,
    HeadPictureRequest,
    HeadWindowRequest,
    LayerMapsRequest,
)
from models.attention.pooling import Pooling, block_starts, max_pooled, without_columns
from models.attention.query_key import QueryKey, QueryKeyRequest
from models.attention.requests import (
    Candidate,
    HeadMap,
    HeadMapRequest,
    LeftOut,
    TracedText,
    TracedTextRequest,
    TraceRequest,
)
from models.attention.steps import Absence, AbsencesRequest, StepRows, StepRowsRequest, TooManyTokensError
from models.attention.trace import AttentionTrace, NoSuchMapError, trace_attention, trace_rows
from models.forward.capture import UnseenAttentionError
from models.forward.inputs import InputError
from models.forward.interventions import CutLink, HideToken, Intervention, InterventionError, ReplacePattern, ZeroHead
from models.forward.recorded_run import NothingRecordedError

__all__ = [
    "PATTERN_NAMES",
    "THUMBNAIL_STEPS",
    "Absence",
    "AbsencesRequest",
    "AttentionTrace",
    "BertVizError",
    "BertVizRequest",
    "BertVizSize",
    "BertVizTooLargeError",
    "Candidate",
    "ChangedMap",
    "ChangedMapsRequest",
    "Changes",
    "ChangesRequest",
    "CutLink",
    "HeadGrid",
    "HeadGridRequest",
    "HeadMap",
    "HeadMapRequest",
    "HeadPicture",
    "HeadPictureRequest",
    "HeadWindowRequest",
    "HeadsOff",
    "HeadsOffRequest",
    "HideToken",
    "InputError",
    "Intervention",
    "InterventionError",
    "LayerMapsRequest",
    "LeftOut",
    "MapDifference",
    "MapDifferenceRequest",
    "NextToken",
    "NoSuchMapError",
    "NothingRecordedError",
    "PatternName",
    "PatternRequest",
    "Pooling",
    "QueryKey",
    "QueryKeyRequest",
    "ReplacePattern",
    "StepRows",
    "StepRowsRequest",
    "TooManyTokensError",
    "TraceRequest",
    "TracedText",
    "TracedTextRequest",
    "UnseenAttentionError",
    "WrittenStep",
    "ZeroHead",
    "bertviz_document",
    "block_starts",
    "max_pooled",
    "pattern_rows",
    "trace_attention",
    "trace_rows",
    "without_columns",
]
