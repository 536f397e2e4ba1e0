"""What is said of what a vision model does not have."""

from models.errors import HeadlightError


class NoSuchPartError(HeadlightError):
    """Something that is asked of a model which it does not have: a head of classes, a text tower, rows of positions; or
    a layer, head or place that is not there.
    """
