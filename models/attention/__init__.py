"""What every head of every layer attends to, for any architecture that uses transformers' attention registry."""

from models.attention.bertviz_views import (
    BertVizError,
    BertVizRequest,
    BertVizSize,
    BertVizTooLargeError,
    bertviz_drawing,
)
from models.attention.export import AttentionFileRequest, ExportError, TokenCountsRequest, export_attention
from models.attention.given_patterns import PatternName, PatternRequest, pattern_rows
from models.attention.head_map import HeadMapRequest
from models.attention.heads_off import HeadsOff, HeadsOffRequest
from models.attention.map_differences import ChangedMapsRequest, MapDifference, MapDifferenceRequest
from models.attention.map_pictures import (
    THUMBNAIL_STEPS,
    HeadGridRequest,
    HeadPicture,
    HeadPictureRequest,
    HeadWindowRequest,
    LayerMapsRequest,
)
from models.attention.map_pooling import block_starts, max_pooled
from models.attention.output_changes import Changes, ChangesRequest
from models.attention.query_key import QueryKey, QueryKeyRequest
from models.attention.silent_letters import AbsencesRequest
from models.attention.trace import (
    AttentionTrace,
    NoSuchMapError,
    TooManyTokensError,
    TraceRequest,
    trace_attention,
    trace_rows,
)
from models.attention.traced_text import TracedText, TracedTextRequest
from models.attention.without_sink import without_columns
from models.attention.writing_steps import StepRows, StepRowsRequest
from models.forward.capture import UnseenAttentionError
from models.forward.inputs import InputError
from models.forward.interventions import CutLink, HideToken, Intervention, InterventionError, ReplacePattern, ZeroHead
