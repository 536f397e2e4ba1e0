"""What the captions of the views say of every model, behind its name and that of the head."""

ROWS_AND_COLUMNS = ": rows are queries (who looks), columns are keys (looked at)."
WRITING_STEPS = ": each row is the step that writes its token."
LINES = ": lines from each query (left) to the keys it looks at (right)."
THUMBNAILS = ": darker cells (on a dark screen lighter ones) are larger weights, by the square root, from 0 to 1."
# As head_lines.js has it.
FAINTEST = 0.02


def faintest(least: float = 0.0) -> str:
    """Which lines are left out."""
    return f" Weights below {max(least, FAINTEST):.2g} are not drawn."
