"""What a person reads when a cluster does not answer."""

from models.errors import HeadlightError


class ClusterError(HeadlightError):
    """The cluster, or a worker of it, that does not answer as it should."""


class WorkerLostError(ClusterError):
    """A worker that ended in the middle of a question. Questions are pure: it can be asked again elsewhere."""


NO_WORKER = "No worker of the cluster answers at the moment; ask again in a minute."
LOST = "The worker that computed this was lost, and so was the next one; ask again in a minute."
TOO_MANY = "Too many questions wait for the cluster at the moment; ask again in a while."
TOO_LARGE = (
    "The answer is larger than what the cluster's workers can hand over; ask for less, for instance of a shorter text."
)
NOT_READABLE = "The cluster gave an answer that could not be read here."
