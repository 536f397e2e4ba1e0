"""Downloads together have a bound: nobody fills the disk."""

import pytest

from models.loading.downloads import DownloadRequest, _bytes_in, _reserved
from tests.models.hub_fetching import MODEL, NAME, engine, files, hub, run, wait_for  # noqa: F401 - fixtures


def size_of(files):  # noqa: F811
    return sum(len(data) for name, data in files.items() if name.endswith((".json", ".safetensors")))


def test_all_downloads_together_are_bounded(hub, engine, files, monkeypatch, tmp_path):  # noqa: F811
    hub.models["tiny/another"] = files
    monkeypatch.setenv("HEADLIGHT_ALL_DOWNLOADS", str(int(size_of(files) * 1.5)))
    assert run(engine).error is None
    refused = run(engine, "hub:tiny/another").error
    assert "HEADLIGHT_ALL_DOWNLOADS" in refused
    assert "tiny/another" not in refused
    assert _bytes_in(tmp_path / "home" / "hub") < 1.6 * size_of(files)
    assert not _reserved
    assert run(engine).error is None, "what is here opens"
    monkeypatch.setenv("HEADLIGHT_ALL_DOWNLOADS", "1 GB")
    assert run(engine, "hub:tiny/another").error is None


@pytest.mark.parametrize("count", [3])
def test_those_under_way_at_once_count_as_well(hub, engine, files, monkeypatch, tmp_path, count):  # noqa: F811
    names = [f"tiny/number{number}" for number in range(count)]
    hub.models |= dict.fromkeys(names, files)
    monkeypatch.setenv("HEADLIGHT_ALL_DOWNLOADS", str(int(size_of(files) * 1.5)))
    jobs = [engine.start(DownloadRequest(f"hub:{name}")) for name in names]
    errors = [wait_for(engine, job).error for job in jobs]
    assert errors.count(None) <= 1
    assert _bytes_in(tmp_path / "home" / "hub") < 1.6 * size_of(files)
