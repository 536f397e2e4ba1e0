"""What somebody does who shows a page to others: the keys of the projector, results that are covered and uncovered."""

from viz.components.scaffold import component

_mount = component("projector_keys")
# Beside the button of the projector; what is covered is known to the browser alone.
COVER_BUTTON = (
    '<button class="headlight-cover" type="button" '
    'title="Numbers, rows and pictures are covered; press one to uncover it. Key: H">Hide results</button>'
    '<span class="headlight-unseen" role="status"></span>'
)


def presenting() -> None:
    """To be called once for each run."""
    _mount(key="presenting", data=None)
