"""Train, look, train: an open page hears by itself that the weights were saved again."""

import time

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path):
    from tests.models.test_folders import save

    return save("llama", tmp_path / "llama")


@pytest.mark.slow
def test_an_open_page_says_so_by_itself_and_loads_again(tab, folder):
    from tests.models.test_saved_again import TEXT, train

    tab.open(model=f"folder:{folder}", text=TEXT, layer="0", head="0")
    before = np.nan_to_num(np.array(tab.values(), dtype=float))
    button = tab.page.locator(".st-key-load_again button")
    assert button.count() == 0
    train(folder)
    # Nobody touches the page.
    button.wait_for()
    assert "changed on disk" in tab.page.locator(".st-key-changed_on_disk").text_content()
    button.click()
    button.wait_for(state="detached")
    end = time.monotonic() + 45
    while np.abs(np.nan_to_num(np.array(tab.values(), dtype=float)) - before).max() < 0.01:
        assert time.monotonic() < end, "the old picture stays"
        time.sleep(0.2)
