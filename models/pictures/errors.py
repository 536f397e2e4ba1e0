"""What is said of a picture that cannot be taken."""

from models.errors import HeadlightError


class PictureError(HeadlightError):
    """A picture that cannot be opened or cut, or one that is not kept any more."""
