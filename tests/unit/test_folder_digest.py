"""The digest of folders of finished runs depends on what they hold, and on nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from defectra.core.folder_digest import END, folder_digest


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("b/xmu.dat", "a/xmu.dat", "a/feff.inp"):
        (tmp_path / "runs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / name).write_text(name)
    (tmp_path / "runs/large").write_bytes(bytes(3 * END))
    return tmp_path / "runs"


def test_a_copy_and_new_times_are_the_same(runs: Path, tmp_path: Path) -> None:
    before = folder_digest([runs])
    shutil.copytree(runs, tmp_path / "elsewhere/other")
    assert folder_digest([str(tmp_path / "elsewhere/other")]) == before
    for path in runs.rglob("*"):
        os.utime(path, (1, 1))
    (runs / "__pycache__").mkdir()
    (runs / "__pycache__/module.pyc").touch()
    assert folder_digest([runs]) == before


def test_the_order_of_a_listing_does_not_count(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, listed = folder_digest([runs]), os.scandir

    class Turned:
        def __init__(self, path: str) -> None:
            with listed(path) as found:
                self.entries = iter(sorted(found, key=lambda entry: entry.name, reverse=True))

        def __enter__(self) -> Turned:
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def __iter__(self) -> Turned:
            return self

        def __next__(self) -> os.DirEntry[str]:
            return next(self.entries)

        def close(self) -> None:
            return None

    monkeypatch.setattr(os, "scandir", Turned)
    assert folder_digest([runs]) == before


@pytest.mark.parametrize("at", [0, 3 * END - 1])
def test_both_ends_of_a_large_file_count(runs: Path, at: int) -> None:
    before = folder_digest([runs])
    with (runs / "large").open("r+b") as handle:
        handle.seek(at)
        handle.write(b"x")
    assert folder_digest([runs]) != before


def test_added_removed_renamed_and_changed_are_seen(runs: Path) -> None:
    seen = [folder_digest([runs])]
    (runs / "c").write_text("new")
    seen.append(folder_digest([runs]))
    (runs / "c").rename(runs / "d")
    seen.append(folder_digest([runs]))
    (runs / "d").write_text("won")
    seen.append(folder_digest([runs]))
    (runs / "a/feff.inp").unlink()
    seen.append(folder_digest([runs]))
    assert len(set(seen)) == len(seen)


def test_no_folder_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert folder_digest([]) == ""
    assert folder_digest([tmp_path / "none"])
    assert folder_digest([tmp_path, tmp_path]) != folder_digest([tmp_path])


def test_a_file_that_cannot_be_read_is_for_the_step_to_report(runs: Path) -> None:
    before = folder_digest([runs])
    (runs / "b/xmu.dat").chmod(0)
    if not os.access(runs / "b/xmu.dat", os.R_OK):
        assert folder_digest([runs]) != before
