"""Folders as a hostile visitor makes them: a tiny model, to be copied and spoilt."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from models.errors import HeadlightError
from models.loading import load_model, open_folder
from tests.models.test_folders import save


def change(folder, file="config.json", **more):
    """Put settings into a JSON file of a folder."""
    path = folder / file
    said = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(said | more))


def refusal(path):
    """The sentence with which a folder is refused, when it is opened or loaded."""
    with pytest.raises(HeadlightError) as caught:
        load_model(open_folder(str(path), anywhere=True).name)
    return str(caught.value)


def tiny(name, folder):
    """A tiny model of this architecture in a folder of its own."""
    return shutil.copytree(_saved(name), folder / name)


@cache
def _saved(name):
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return save(name, folder / name)
