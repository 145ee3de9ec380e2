"""The page about a run: what it shows, what it refuses, and that every figure is explained."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
from defectra.core.csvs import write_csv
from defectra.core.errors import DefectraError
from defectra.core.studies import study_folder, study_names, texts_digest
from defectra.figures.style import canvas, save
from defectra.report.calculations import summary
from defectra.report.contents import (
    OUTCOMES,
    VERDICTS,
    Contents,
    Study,
    by_verdict,
    caption_file,
    interval,
    number,
    published,
    read_figure,
)
from defectra.report.markup import caption_of_rst, paragraph_of_markdown
from defectra.report.of_run import OfRun, files_of_run
from defectra.report.page import html, write_page
from defectra.report.recorded import recorded

NAN = float("nan")


def claim(**more: Any) -> dict[str, Any]:
    row = dict.fromkeys(SCORECARD_COLUMNS, "")
    numbers = {"published": 1.0, "ours": 2.0, "tolerance": 0.1, "lo": 1.5, "hi": 2.5, "n": 7}
    return row | numbers | {"claim_id": "c", "study": "nmc", "verdict": "close"} | more


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of study nmc: two claims, one check, one figure."""
    folder = tmp_path / "results"
    rows = [
        claim(claim="angle < 5° & more", verdict="reproduced"),
        claim(claim="in words", published=NAN, verdict="not reproduced", lo=NAN, hi=NAN),
    ]
    write_csv(folder / "nmc/scorecard.csv", rows, SCORECARD_COLUMNS)
    check = {name: claim().get(name, "") for name in CHECK_COLUMNS}
    check |= {"check": "leak", "bound": 0.5, "verdict": "fails"}
    write_csv(folder / "nmc/checks.csv", [check], CHECK_COLUMNS)
    figure, axes = canvas(1, 1, (2.0, 1.0))
    axes[0, 0].plot([0, 1])
    (folder / "nmc/figures").mkdir(parents=True)
    save(figure, folder / "nmc/figures/parity.png")
    return folder


class Seen(HTMLParser):
    """Anchors, addresses, and whether each element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids |= {str(found["id"])} if "id" in found else set()
        self.addresses += [str(found[k]) for k in ("href", "src") if k in found]
        if tag not in {"meta", "img", "br", "link", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def seen(page: Path) -> Seen:
    parser = Seen()
    parser.feed(page.read_text(encoding="utf-8"))
    assert not parser.open
    return parser


def test_the_page_is_one_file_whose_anchors_exist(results: Path) -> None:
    write_page(results / "report.html", results, ["nmc"])
    found = seen(results / "report.html")
    inner = [a[1:] for a in found.addresses if a.startswith("#")]
    assert set(inner) <= found.ids
    assert {"claims", "checks", "nmc", "nmc-parity", "calculations"} <= found.ids
    assert not [a for a in found.addresses if re.match(r"(https?:)?//", a)], "it works offline"
    assert sum(a.startswith("data:image/png") for a in found.addresses) == 1


def test_verdicts_come_first_and_the_worst_of_them_at_the_top(results: Path) -> None:
    write_page(results / "report.html", results, ["nmc"])
    text = (results / "report.html").read_text(encoding="utf-8")
    assert text.index("not reproduced</td>") < text.index("reproduced</td><td", text.index("✗"))
    assert text.index('id="claims"') < text.index('id="checks"') < text.index('id="nmc"')
    assert "angle &lt; 5° &amp; more" in text, "text of a table is no HTML"


def test_links_of_a_page_about_one_study_lead_to_its_tables(results: Path) -> None:
    page = results / "nmc" / "report.html"
    write_page(page, results, ["nmc"])
    tables = [a for a in seen(page).addresses if a.endswith(".csv")]
    assert tables
    assert all((page.parent / address).is_file() for address in tables)


def test_a_second_page_of_the_same_results_has_the_same_bytes(results: Path) -> None:
    for name in ("a.html", "b.html"):
        write_page(results / name, results, ["nmc"])
    assert (results / "a.html").read_bytes() == (results / "b.html").read_bytes()


@pytest.mark.parametrize(("inches", "least"), [(4.0, 0), (12.5, 0), (24.0, 2304)])
def test_text_of_a_wide_figure_is_not_shrunk(tmp_path, inches, least):
    """Wider on paper than the page: kept at that width (96 dots per inch) and moved sideways."""
    path = tmp_path / "nmc" / "figures" / "parity.png"
    path.parent.mkdir(parents=True)
    figure, _ = canvas(1, 1, (inches, 2.0))
    save(figure, path)
    found = read_figure(path, "nmc")
    assert (found.least_px, found.is_wide) == (least, inches > 6)
    page = html(Contents("title", [Study("nmc", "", "", figures=[found])]))
    assert (f"min-width: {least}px" in page) == bool(least)
    assert ('class="hint always"' in page) == bool(least), "that it goes on is said"
    width, height = found.size
    assert f'width="{width}" height="{height}"' in page, "an anchor stays where it is"
    assert round(width / 180) == round(inches)
    assert width > height


def test_a_figure_that_nobody_explains_is_refused(results: Path) -> None:
    figures = results / "nmc/figures"
    (figures / "mystery.png").write_bytes((figures / "parity.png").read_bytes())
    with pytest.raises(DefectraError, match=r"mystery\.png: the figure has no caption; write"):
        write_page(results / "report.html", results, ["nmc"])


def test_what_an_earlier_run_left_is_named_and_not_shown(results: Path) -> None:
    """A mirror that is not named any more; a figure of an older release, without a caption."""
    figures = results / "nmc/figures"
    for name in ("experiment", "of_an_older_release"):
        (figures / f"{name}.png").write_bytes((figures / "parity.png").read_bytes())
    (results / "nmc/experiment.csv").write_text("quantity\n")
    row = {"calculation_id": "a", "status": "ok", "error_class": "", "cpu_s": 1.0}
    pq.write_table(pa.Table.from_pylist([row]), results / "nmc/old.parquet")
    made = [f"results/nmc/{n}" for n in ("scorecard.csv", "checks.csv", "figures/parity.png")]
    for prefix in ("", "defects/"):  # where another workflow mounts this one
        page = results / "report.html"
        write_page(page, results, ["nmc"], made=[f"{prefix}{name}" for name in made])
        text = page.read_text(encoding="utf-8")
        assert text.count("data:image/png") == 1
        links = [address for address in seen(page).addresses if address.endswith("csv")]
        assert sorted(links) == ["nmc/checks.csv", "nmc/figures/parity.csv", "nmc/scorecard.csv"]
        left = text[text.index("Not of this run") :]
        for name in ("figures/experiment.png", "figures/of_an_older_release.png", "old.parquet"):
            assert f"<code>nmc/{name}</code>" in left
        assert "No table of these studies holds calculations" in text


class File(str):
    """A file of a rule, as Snakemake has it."""

    __slots__ = ()

    def apply_wildcards(self, wildcards: dict[str, str]) -> str:
        return self.format(**wildcards)

    def match(self, name: str) -> re.Match[str] | None:
        return re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[a-z]+)", self), name)


class Rule:
    """A rule, as far as its files go."""

    def __init__(self, output: list[str], inputs: list[Any]) -> None:
        self.output = [File(name) for name in output]
        self.input = [File(f) if isinstance(f, str) else f for f in inputs]

    def get_wildcards(self, name: str) -> dict[str, str]:
        return next(m.groupdict() for out in self.output if (m := out.match(name)))


def test_files_of_a_run_are_what_its_rules_make_on_the_way_to_its_targets() -> None:
    rules = [
        Rule(["a/scores.csv", "a/checks.csv"], ["a/model_equal.npz", lambda _: "mirror/x"]),
        Rule(["a/model_{kind}.npz", "a/history_{kind}.csv"], ["a/table.parquet"]),
        Rule(["a/table.parquet"], []),
        Rule(["a/experiment.csv"], ["a/table.parquet"]),  # nobody asks for it
    ]
    assert files_of_run([File("a/scores.csv"), lambda _: "x"], rules) == [
        *("a/checks.csv", "a/history_equal.csv", "a/model_equal.npz", "a/scores.csv"),
        "a/table.parquet",
    ]


def test_the_page_of_all_shows_what_is_recorded_of_studies_that_were_not_run(results: Path) -> None:
    found = recorded("xanes")
    assert found.claims
    assert found.checks
    page = results / "report.html"
    write_page(page, results, ["nmc"], ["xanes", "speckle"])
    text = page.read_text(encoding="utf-8")
    assert text.index("make xanes") < text.index('id="nmc"'), "among the verdicts, at the top"
    assert 'href="#xanes"' not in text, "no section: nothing of it was run"
    for row in found.claims:
        assert row["found"].replace("<", "&lt;") in text
    counted = len([r for r in found.claims if r["verdict"] == "reproduced"])
    shown = re.findall(r'>xanes</td>((?:<td class="number">\d+</td>)+)', text)[0]
    assert re.findall(r"\d+", shown)[VERDICTS.index("reproduced")] == str(counted)
    seen(page)
    alone = html(Contents("title", [Study("nmc", "", "")]))
    assert "not run here" not in alone


def test_what_nobody_computed_is_no_failure_and_costs_nothing(tmp_path: Path) -> None:
    rows = [
        {"calculation_id": "a", "status": "failed", "error_class": "not_computed", "cpu_s": NAN},
        {"calculation_id": "b", "status": "failed", "error_class": "killed", "cpu_s": 7200.0},
        {"calculation_id": "c", "status": "ok", "error_class": "", "cpu_s": 3600.0},
    ]
    (tmp_path / "hbn").mkdir()
    engine = {"engine_version": "gpaw 26.7.0", "origin": "run"}
    pq.write_table(pa.Table.from_pylist([r | engine for r in rows]), tmp_path / "hbn/runs.parquet")
    counts, failures = summary(OfRun(tmp_path), ["hbn"])
    assert [
        (r["engine"], r["origin"], r["not computed"], r["failed"], r["ok"], r["cpu_h"])
        for r in counts
    ] == [("gpaw 26.7.0", "", 1, 0, 0, 0.0), ("gpaw 26.7.0", "run", 0, 1, 1, 3.0)]
    assert failures == [{"study": "hbn", "error_class": "killed", "count": 1}]


@pytest.mark.parametrize("study", study_names())
def test_recorded_verdicts_are_verdicts(study: str) -> None:
    found = recorded(study)
    assert {row["verdict"] for row in found.claims} <= {str(v) for v in VERDICTS}
    assert {row["verdict"] for row in found.checks} <= {str(v) for v in OUTCOMES}


def test_a_study_that_made_nothing_is_shown_as_such(tmp_path: Path) -> None:
    write_page(tmp_path / "results/report.html", tmp_path / "results", ["nmc"])
    assert "No table of these studies" in (tmp_path / "results/report.html").read_text()
    assert summary(OfRun(tmp_path / "results"), ["nmc"]) == ([], [])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.12345, "0.123"), (-2.0, "−2"), (12345.6, "12346"), (NAN, "–"), ("", "–"), ("a", "a")],
)
def test_numbers_are_shown_with_three_digits(value: float | str, shown: str) -> None:
    assert number(value) == shown


def test_a_claim_in_words_and_an_exact_number() -> None:
    assert published(claim(published=NAN)) == "in words"
    assert published(claim(published=2.7, tolerance=0.5)) == "2.7 ± 0.5"
    assert published(claim(published=2.7, tolerance=NAN)) == "2.7"
    assert interval(claim(lo=2.0, hi=2.0)) == "", "an exact number has no interval"
    assert interval(claim(lo=NAN, hi=NAN)) == ""
    assert interval(claim(lo=-1.0, hi=NAN)) == "−1 to –"
    order = by_verdict([claim(verdict="b"), claim(verdict="?"), claim(verdict="a")], ["a", "b"])
    assert [row["verdict"] for row in order] == ["a", "b", "?"]


@pytest.mark.parametrize("study", study_names())
def test_captions_are_well_formed_and_the_readme_asks_a_question(study: str) -> None:
    captions = sorted((study_folder(study) / "captions").glob("*.rst"))
    assert captions
    for path in captions:
        assert "<p>" in caption_of_rst(path.read_text(encoding="utf-8"), path)[1]
    readme = (study_folder(study) / "README.md").read_text(encoding="utf-8")
    title, question = paragraph_of_markdown(readme)
    assert title
    assert "?" in question, "the first paragraph says what the study asks"


@pytest.mark.parametrize("study", study_names())
def test_every_figure_of_the_rules_has_a_caption(study: str) -> None:
    rules = "".join(path.read_text() for path in study_folder(study).glob("*.smk"))
    figures = set(re.findall(rf"results/{study}/figures/(\w+)\.png", rules))
    assert figures
    assert [name for name in figures if not caption_file(study, name).is_file()] == []
    for path in (caption_file(study, name) for name in figures):
        assert caption_of_rst(path.read_text(encoding="utf-8"), path)[0], f"{path}: no title"


@pytest.mark.parametrize("text", ["`open", ".. include:: /etc/passwd", ".. raw:: html\n\n   <b>"])
def test_a_caption_with_a_mistake_is_refused_with_its_file(text: str) -> None:
    with pytest.raises(DefectraError, match=r"x\.rst: not reStructuredText"):
        caption_of_rst(text, Path("x.rst"))


def test_the_digest_of_texts_follows_names_and_order_of_studies() -> None:
    assert texts_digest(["nmc"]) == texts_digest(["nmc"]) != texts_digest(["levels"])


def test_plain_text_of_a_readme() -> None:
    text = "# A `b`\n\n![picture](x.png)\n\nOne [two](three.md) **four**\nfive?\n\nsix"
    assert paragraph_of_markdown(text) == ("A b", "One two four five?")
    assert paragraph_of_markdown("") == ("", "")
