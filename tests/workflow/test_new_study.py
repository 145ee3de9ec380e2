"""A study from `defectra new-study` runs to its page, and no file outside its folders is edited."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from defectra.cli import new_study as module
from defectra.cli.new_study import new_study
from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
from defectra.core.csvs import read_csv
from defectra.core.errors import ConfigError

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).resolve().parents[2]


def call(folder: Path, *command: str) -> str:
    """Run a command in a checkout; what it prints."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "DEFECTRA_MIRROR")}
    env = kept | {"PYTHONPATH": str(folder / "workflow"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the files as they are now, all committed."""
    folder = tmp_path_factory.mktemp("clone") / "defectra"
    call(ROOT, "git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder))
    listed = call(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
        else:
            (folder / name).unlink(missing_ok=True)
    call(folder, "git", "add", "-A")
    who = ("-c", "user.name=test", "-c", "user.email=test")
    call(folder, "git", *who, "commit", "-q", "--allow-empty", "-m", "as it is now")
    return folder


def test_a_new_study_runs_to_its_page_without_an_edit_elsewhere(checkout: Path) -> None:
    call(checkout, sys.executable, "-m", "defectra.cli.main", "new-study", "toy_2")
    changed = call(checkout, "git", "status", "--porcelain", "--untracked-files=normal")
    first, second = sorted(changed.splitlines())
    assert first in ("?? tests/studies/", "?? tests/studies/toy_2/")  # the first study with tests
    assert second == "?? workflow/defectra/studies/toy_2/"
    call(checkout, sys.executable, "-m", "ruff", "check", "-q", "workflow/defectra/studies/toy_2")
    out = call(checkout, sys.executable, "-m", "snakemake", "--cores", "2", "toy_2",
               "results/toy_2/report.html")  # fmt: skip
    assert "Finished jobid: 0 (Rule: toy_2)" in out
    results = checkout / "results/toy_2"
    claims = read_csv(results / "scorecard.csv", SCORECARD_COLUMNS)
    assert [row["verdict"] for row in claims] == ["reproduced"]
    checks = read_csv(results / "checks.csv", CHECK_COLUMNS)
    assert [row["verdict"] for row in checks] == ["holds", "holds"]
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "the radius of a disc" in page
    assert "3.8317" in page
    again = call(checkout, sys.executable, "-m", "snakemake", "-n", "toy_2")
    assert "Nothing to be done" in again
    test = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    call(checkout, *test, "tests/studies/toy_2")
    call(checkout, *test, "tests/unit/test_figures.py", "-k", "toy_2")
    call(checkout, *test, "tests/unit/test_configdocs.py", "tests/unit/test_report.py")
    changed = call(checkout, "git", "status", "--porcelain", "--untracked-files=normal")
    assert len(changed.splitlines()) == 2


@pytest.mark.parametrize(
    "name", ["Toy", "2toy", "a", "toy-2", "../toy", "toy_", "class", "nmc", "seed", "all", "report"]
)
def test_names_that_cannot_be_used_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="study name"):
        new_study(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_study_is_called_as_a_target_of_make(tmp_path: Path) -> None:
    """A study is a target of its name: help, docs or distclean would be two things."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "Makefile", *ROOT.glob("*.mk")))
    assert not re.search(r"^-?include ", text, re.MULTILINE), "read what is included, too"
    (listed,) = re.findall(r"^TARGETS := ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    targets = {word for word in listed.split() if word != "\\"}
    rules = re.findall(r"^([a-z][a-z_-]*):(?!=)", text, re.MULTILINE)
    assert set(rules) == targets, "each rule is one that `make` lists and that is phony"
    assert {"help", "published", "docs", "walk", "distclean", "relaxers"} <= targets
    for name in targets:
        with pytest.raises(ConfigError, match="study name"):
            new_study(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    written = new_study("toy", tmp_path)
    written[0].write_text("mine")
    with pytest.raises(ConfigError, match="there already"):
        new_study("toy", tmp_path)
    assert written[0].read_text() == "mine"
    assert not any("@" in path.name for path in written)
    assert not any("@study@" in path.read_text(encoding="utf-8") for path in written)
    sources = {p for p in module.SKELETON.rglob("*") if p.is_file()}
    assert len(written) == len(sources)
