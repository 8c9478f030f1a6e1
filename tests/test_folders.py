"""Places that are no plain folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.errors import DatasetError, LangdistillError
from tests.datasets.test_harvest_safety import sampled

PLAN = harvest([sampled("p", "4")])


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    first = PLAN.write(tmp_path / "link")
    assert (tmp_path / "real" / "manifest.json").is_file(), "where the link led to nothing before"
    second = harvest([sampled("p", "5")]).write(tmp_path / "link", overwrite=True)
    assert read_dataset(tmp_path / "real").hash == read_dataset(tmp_path / "link").hash == second.hash != first.hash
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_folder_that_one_is_in_is_not_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = PLAN.write(tmp_path / "d")
    monkeypatch.chdir(tmp_path / "d")
    for out in (".", tmp_path / "d"):
        with pytest.raises(DatasetError, match="is the folder that you are in"):
            PLAN.write(out, overwrite=True)
    assert read_dataset(".").hash == written.hash


def test_a_place_inside_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LangdistillError, match=r"No folder can be made at .*file/d"):
        PLAN.write(tmp_path / "file" / "d")
    assert (tmp_path / "file").read_text() == "mine"
