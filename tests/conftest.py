"""How the tests are shared out where several processes run them."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Where two processes run the tests, a file stays in one of them, and all that drives Chromium in one as well: two
    browsers with a server each on two cores only wait for each other.
    """
    for item in items:
        is_browser = "/tests/browser/" in item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group("browser" if is_browser else item.path.as_posix()))
