"""Pictures before a model sees them: opened within bounds, and cut as the model's own processor cuts them."""

from models.pictures.decoding import LARGEST_FILE, LONGEST_SIDE, MOST_PIXELS, Decoded
from models.pictures.errors import PictureError
from models.pictures.opening import EXAMPLES, example_file, example_picture, open_picture
from models.pictures.processing import MOST_PATCHES, Cut, Processing, cut, processing_from
from models.pictures.sight import Sight
