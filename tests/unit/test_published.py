"""Figures of the papers: each can be made by a rule that exists, or says what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from defectra.core.errors import ConfigError
from defectra.core.studies import study_folder, study_names
from defectra.report.published import COLUMNS, PAGE, Item, items, makeable, page, papers, target

PAPERS = 12
GOOD = Item("arXiv:1.2", "gap", "4", "gaps", "results/toy/figures/gap.png", "", "")
LACKS = Item("arXiv:1.2", "absorption", "", "spectra", "", "spectra of the authors", "toy/a.csv")
ELSEWHERE = Item("doi:10.1/x", "claims", "", "words", "results/other/scorecard.csv", "", "")
TABLE = [GOOD, LACKS, ELSEWHERE]


def test_every_paper_is_there_and_every_file_is_made_by_a_rule_of_its_study() -> None:
    entries = items()
    assert len({entry.paper for entry in entries}) == PAPERS
    assert {entry.paper for entry in entries} == {paper.paper for paper in papers()}
    assert all(paper.numbers for paper in papers())
    files = {entry.study: [] for entry in entries if entry.study in study_names()}
    for entry in entries:
        if entry.study in files:
            files[entry.study].append(entry.file)
    assert files
    for study, wanted in files.items():
        text = "".join(path.read_text() for path in study_folder(study).rglob("*.smk"))
        made = set(re.findall(r'"(results/[^"{}]+)"', text))
        assert [file for file in wanted if file not in made] == [], study


def test_page_is_written_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(items(), papers()), "run `make docs`"


@pytest.mark.parametrize("wanted", ["1.2:gap", "arXiv:1.2:gap", "1.2:4"])
def test_by_word_or_number(wanted: str) -> None:
    assert target(wanted, TABLE, ["toy"]) == GOOD.file
    assert makeable(TABLE, ["toy"]) == [GOOD.file]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("", "name a figure: FIG=PAPER:ITEM"),
        ("x", "no such paper; known are 1.2, 10.1/x"),
        ("9.9:gap", "no such paper"),
        ("1.2", "name an item of it, FIG=1.2:ITEM; there are gap, absorption"),
        ("1.2:gpa", "did you mean gap.*Items of 1.2: gap, absorption"),
        ("1.2:7", "no such item"),
        ("1.2:", "no such item"),
        ("1.2:absorption", "spectra of the authors; toy/a.csv"),
        ("10.1/x:claims", "study other is not in this checkout"),
        ("doi:10.1/x:3", "their numbers are not known here"),
    ],
)
def test_what_cannot_be_made_says_what_to_do(wanted: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        target(wanted, TABLE, ["toy"])


@pytest.mark.parametrize(
    "rows", [["a,b,,c,,,"], ["a,b,,c,,lost,"], ["a,b,,c,f,,", "a,b,,d,g,,"], ["a,b"]]
)
def test_row_without_an_answer_is_refused(tmp_path: Path, rows: list[str]) -> None:
    table = tmp_path / "published.csv"
    table.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    with pytest.raises(ConfigError, match=r"published\.csv"):
        items(table)
