"""What somebody reads who waits for others."""


def in_the_queue(place: int, doing: str = "computing") -> str:
    """The sentence that everybody reads who waits for others. doing: what those others do."""
    return f"Others are {doing}. Your place in the queue: {place}."
