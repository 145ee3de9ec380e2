"""Published data are trusted only after their checksum was found right."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from defectra.core.datasets import REGISTRY, fetch, first_there, locate, main, registry
from defectra.core.errors import DataError

HEAD = "path,bytes,sha256,source,commit,source_path,licence\n"
DATA = b"energy mu\n"
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def mirror(tmp_path: Path) -> tuple[Path, Path]:
    known = tmp_path / "datasets.csv"
    known.write_text(HEAD + f"a/b.dat,{len(DATA)},{SUM},owner/repo,c0ffee,x y.dat,MIT\n")
    (tmp_path / "mirror" / "a").mkdir(parents=True)
    (tmp_path / "mirror" / "a" / "b.dat").write_bytes(DATA)
    return known, tmp_path / "mirror"


def test_good_file_is_found(mirror: tuple[Path, Path]) -> None:
    known, folder = mirror
    assert locate("a/b.dat", folder, known).read_bytes() == DATA


def test_wrong_checksum_names_file_and_both_sums(mirror: tuple[Path, Path]) -> None:
    known, folder = mirror
    (folder / "a" / "b.dat").write_bytes(DATA + b" ")
    other = hashlib.sha256(DATA + b" ").hexdigest()
    with pytest.raises(DataError) as caught:
        locate("a/b.dat", folder, known)
    assert all(part in str(caught.value) for part in ("a/b.dat", SUM, other))


def test_missing_unknown_and_no_mirror_say_what_to_do(mirror: tuple[Path, Path]) -> None:
    known, folder = mirror
    (folder / "a" / "b.dat").unlink()
    for path, where, word in (
        ("a/b.dat", folder, "fetch"),
        ("a/c.dat", folder, "not registered"),
        ("a/b.dat", None, "resources/data/a/b.dat"),
    ):
        with pytest.raises(DataError, match=word):
            locate(path, where, known)


@pytest.mark.parametrize("path", ["../up.dat", "/etc/passwd"])
def test_path_that_leaves_the_mirror_is_refused(tmp_path: Path, path: str) -> None:
    known = tmp_path / "datasets.csv"
    known.write_text(HEAD + f"{path},1,{SUM},o/r,c,x,MIT\n")
    with pytest.raises(DataError, match="leaves the mirror"):
        registry(known)


def test_check_of_an_empty_mirror_fails(tmp_path: Path) -> None:
    assert main(["check", str(tmp_path)]) == 1


def test_shipped_registry_is_complete() -> None:
    entries = registry(REGISTRY)
    assert entries
    for entry in entries.values():
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        if not entry.source.startswith("doi:"):
            assert re.fullmatch(r"[0-9a-f]{40}", entry.commit)
        assert entry.licence
        addresses = entry.addresses()
        assert bool(addresses) is not bool(entry.by_hand), entry.path
        assert all(address.startswith("https://") for address in addresses)


def test_what_has_no_address_is_to_be_brought_by_hand(tmp_path: Path) -> None:
    entry = registry()["levels/foundry_sample/foundry_defectlevels_first_rows.csv"]
    with pytest.raises(DataError, match=r"behind its DOI.*put .*foundry_sample"):
        fetch(entry, tmp_path)


def test_what_is_brought_by_hand_may_be_absent_from_a_mirror_and_that_is_said(tmp_path, capsys):
    full, sample = "levels/full.csv", "levels/sample.csv"
    found = first_there([full, sample], str(tmp_path), "Cannot be computed: two fidelities")
    assert found(None) == []
    assert found(None) == []
    assert capsys.readouterr().err.count("two fidelities") == 1
    for path in (sample, full):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
        assert found(None) == str(tmp_path / path)
    assert capsys.readouterr().err == ""
