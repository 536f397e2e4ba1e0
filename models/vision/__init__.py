"""What vision transformers look at: pictures, maps, vectors of patches, and what hangs on which patch."""

from models.pictures import EXAMPLES, LARGEST_FILE, MOST_PATCHES, MOST_PIXELS, PictureError
from models.vision.answers import Classes, ClassesRequest, TextsFit, TextsFitRequest
from models.vision.errors import NoSuchPartError
from models.vision.facts import VisionFacts, VisionFactsRequest
from models.vision.features import (
    Components,
    ComponentsRequest,
    Lengths,
    LengthsRequest,
    LikenessRequest,
    PositionsLikenessRequest,
)
from models.vision.hiding import Hiding, HidingRequest, RegionHidden, RegionHiddenRequest, other_regions
from models.vision.looks import (
    STEPS,
    LayerLooks,
    LayerLooksRequest,
    LayerWeightsRequest,
    LookGrid,
    LookGridRequest,
    PlaceProducts,
    PlaceProductsRequest,
)
from models.vision.pictures import DEFAULT_PICTURE, EXAMPLE, Picture, PictureRequest, keep_picture
from models.vision.rollout import Distances, DistancesRequest, RolloutRequest
from models.vision.tracing import CutPicture, CutPictureRequest, PictureTraceRequest
