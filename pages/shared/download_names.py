"""What downloads are called."""

import re


def of_model(name: str) -> str:
    """The model's part of a file's name: the last part of its path or id, without what a disk does not take.

    "minilm" stays as it is; "folder:/home/ada/My model" is My-model, "hub:org/model@main" is model-main.
    """
    return re.sub(r"[^\w.-]+", "-", name.rstrip("/").rpartition("/")[2]).strip("-.") or "model"
