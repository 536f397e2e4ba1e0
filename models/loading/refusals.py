"""What a model that is not opened is told with; light to import."""

from models.errors import HeadlightError


class ModelRefusedError(HeadlightError):
    """A model that is not opened: the sentence says why."""


class ArchitectureNotSupportedError(ModelRefusedError):
    """A model class whose attention does not go through transformers' registry."""
