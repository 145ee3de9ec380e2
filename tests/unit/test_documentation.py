"""Pages of the documentation: what the runner of tutorials finds, and what the README promises."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from defectra.core.errors import ConfigError
from defectra.core.studies import study_names
from defectra.report.readme import MARKS, README, question, with_studies

ROOT = Path(__file__).resolve().parents[2]


def loaded(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"documentation_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


tutorials = loaded(ROOT / "tests/tutorials/run.py")


def page(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("```sh\necho one\n```\n```text\none\n```\n", 0, id="as shown"),
        pytest.param("```sh\nseq 9\n```\n```text\n...\n3\n...\n8\n...\n```\n", 0, id="gaps"),
        pytest.param("```sh\nseq 9\n```\n```text\n...\n8\n...\n3\n...\n```\n", 1, id="other order"),
        pytest.param("```sh\necho one\n```\n```text\ntwo\n```\n", 1, id="something else"),
        pytest.param("```sh\nfalse\necho one\n```\n", 1, id="a command fails"),
        pytest.param("```sh\ntest ! -e ~/x\n```\n", 0, id="an empty home"),
        pytest.param("words\n", 1, id="nothing to run"),
    ],
)
def test_tutorial_is_as_good_as_what_it_shows(tmp_path: Path, text: str, code: int) -> None:
    assert tutorials.main(page(tmp_path, text)) == code


def test_files_that_pages_name_are_there() -> None:
    """By the end of their path; those of other projects and templates are named here."""
    others = {"doped/analysis.py", "tests/studies/NAME/figure_cases.py"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no git: which files belong to the project is not known")
    files = listed.stdout.decode().splitlines()
    lacking = {
        (page, name)
        for page in (name for name in files if name.endswith(".md"))
        for name in re.findall(
            r"`([\w.-]+/[\w./-]+\.(?:py|smk))`", (ROOT / page).read_text("utf-8")
        )
        if name not in others and not any(f"/{file}".endswith(f"/{name}") for file in files)
    }
    assert not lacking


def test_readme_has_every_study_as_its_own_page_tells_it() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_studies(text, study_names()) == text, "run `make docs`"
    assert all(f"| `make {name}` |" in text for name in study_names())
    assert text.index("make run") < text.index("make test") < text.index("## What comes out")


def test_readme_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="missing"):
        with_studies(" ".join(reversed(MARKS)), ["nmc"])


@pytest.mark.parametrize(
    ("paragraph", "asked"),
    [
        ("Which one\nis it? Words.", "Which one is it?"),
        (
            "Some words. More. Which one (arXiv:2203.10349)? Words? No.",
            "Which one (arXiv:2203.10349)?",
        ),
    ],
)
def test_question_is_the_first_sentence_that_asks(paragraph: str, asked: str) -> None:
    assert question(paragraph) == asked
