"""What every head of every layer attends to, for any architecture that uses transformers' attention registry."""

from models.attention.bertviz_views import (
    BertVizDrawing,
    BertVizError,
    BertVizRequest,
    BertVizSize,
    BertVizTooLargeError,
    bertviz_drawing,
)
from models.attention.bulk import AttentionFileRequest, ExportError, TokenCountsRequest, export_attention
from models.attention.changes import ChangedToken, Changes, ChangesRequest, WrittenStep
from models.attention.differences import ChangedMap, ChangedMapsRequest, MapDifference, MapDifferenceRequest
from models.attention.head_map import HeadMap, LeftOut
from models.attention.heads_off import HeadsOff, HeadsOffRequest
from models.attention.outputs import TokenProbability
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
from models.attention.pooling import BlockPooling, block_starts, max_pooled, without_columns
from models.attention.query_key import QueryKey, QueryKeyRequest
from models.attention.requests import HeadMapRequest, TracedTextRequest, TraceRequest
from models.attention.steps import Absence, AbsencesRequest, StepRows, StepRowsRequest, TooManyTokensError
from models.attention.trace import AttentionTrace, NoSuchMapError, trace_attention, trace_rows
from models.attention.traced_text import TracedText
from models.forward.axes import Axes, axes
from models.forward.capture import UnseenAttentionError
from models.forward.inputs import InputError
from models.forward.interventions import CutLink, HideToken, Intervention, InterventionError, ReplacePattern, ZeroHead
from models.forward.recorded_run import NothingRecordedError
