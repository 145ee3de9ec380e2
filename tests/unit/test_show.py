"""`defectra show` walks back from a figure, an identity or a claim; `defectra doctor` finds."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from defectra.cli.doctor import EXTRAS, Finding, libraries, machine
from defectra.cli.main import main
from defectra.cli.show import history, record_of
from defectra.core.claims import SCORECARD_COLUMNS
from defectra.core.csvs import write_csv
from defectra.core.journal import Journal
from defectra.core.paths import PROJECT
from defectra.core.records import CALCULATIONS
from defectra.core.store import Archive, write_bytes

CALCULATION = "ab12" * 16
CHAIN = {
    "results/nmc/figures/parity.png": ("plot_parity", ["results/nmc/predictions.parquet"]),
    "results/nmc/predictions.parquet": ("evaluate", ["results/nmc/training.parquet"]),
    "results/nmc/scorecard.csv": ("score", ["results/nmc/predictions.parquet"]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of results with Snakemake's records, a scorecard and a journal."""
    for name, (rule, inputs) in CHAIN.items():
        if not name.endswith(".parquet"):
            write_bytes(tmp_path / name, b"")
        record = {
            "rule": rule,
            "input": inputs,
            "log": [],
            "params": ["'0123456789abcdef'", f"'defectra.studies.nmc.steps.{rule}'"],
        }
        key = base64.b64encode(name.encode()).decode()
        write_bytes(tmp_path / ".snakemake/metadata" / key, json.dumps(record).encode())
    row = dict.fromkeys(SCORECARD_COLUMNS, "") | {"claim_id": "shift", "ours": 2.93, "n": 10}
    write_csv(tmp_path / "results/nmc/scorecard.csv", [row], SCORECARD_COLUMNS)
    (tmp_path / "results/store").mkdir(parents=True)
    with Journal(tmp_path / "results/store/nmc-00.journal") as journal:
        for name in (CALCULATION, "ab" * 32):
            files = [["xmu.dat", 3], ["log1.dat", 2]]
            journal.append(
                {"kind": "calculation", "calculation_id": name, "files": files}, b"abcde"
            )
    return tmp_path


def test_a_figure_leads_back_step_by_step(folder: Path) -> None:
    lines = history("results/nmc/figures/parity.png", folder)
    assert lines == [
        "results/nmc/figures/parity.png: rule plot_parity, defectra.studies.nmc.steps.plot_parity",
        "  ← results/nmc/predictions.parquet: rule evaluate, defectra.studies.nmc.steps.evaluate",
        "    ← results/nmc/training.parquet",
    ]


def test_a_file_without_a_record_says_so(folder: Path) -> None:
    write_bytes(folder / "results/mine.csv", b"")
    assert history("results/mine.csv", folder) == ["results/mine.csv: no record of how it was made"]
    key = base64.b64encode(b"results/mine.csv").decode()
    write_bytes(folder / ".snakemake/metadata" / key, b"{damaged")
    assert record_of("results/mine.csv", folder) is None


def test_a_claim_leads_to_its_scorecard(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "shift", "--directory", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "ours: 2.93" in text
    assert "results/nmc/scorecard.csv: rule score" in text


def test_raw_outputs_of_one_calculation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "raw"
    words = ["--directory", str(folder), "--raw", str(out)]
    assert main(["show", CALCULATION[:8], *words]) == 0
    assert (out / "xmu.dat").read_bytes() == b"abc"
    assert (out / "log1.dat").read_bytes() == b"de"
    assert "raw outputs xmu.dat (3 bytes), log1.dat (2 bytes)" in capsys.readouterr().out


def test_what_is_not_there_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "nothing", "--directory", str(folder)]) == 2
    assert "nothing is known of 'nothing'" in capsys.readouterr().err
    with Journal(folder / "results/store/nmc-01.journal") as journal:
        twin = CALCULATION[:8] + "0" * 56
        journal.append({"kind": "calculation", "calculation_id": twin, "files": []}, b"")
    words = ["--directory", str(folder), "--raw", str(folder / "raw")]
    assert main(["show", CALCULATION[:8], *words]) == 2
    assert "2 calculations begin with ab12ab12: give more" in capsys.readouterr().err


def test_an_archived_calculation_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Archive(PROJECT / "resources/archive").read(CALCULATIONS)[0]
    assert main(["show", row["calculation_id"], "--directory", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert f"structure_id: {row['structure_id']}" in text
    assert "resources/archive/spectra/part-" in text
    words = ["--directory", str(tmp_path), "--raw", str(tmp_path / "raw")]
    assert main(["show", row["calculation_id"], *words]) == 2
    assert "the archive keeps tables alone" in capsys.readouterr().err


def test_what_is_missing_comes_with_what_brings_it() -> None:
    found = list(libraries())
    extras = [one for one in found if one.what.startswith("extra ")]
    assert len(extras) == len(EXTRAS)
    assert all(one.remedy.startswith("make ") == one.state.startswith("missing") for one in extras)
    makefile = (PROJECT / "Makefile").read_text()
    for extra, _, _ in EXTRAS:
        name = {"levels": "corrections"}.get(extra, extra)
        assert f"\n{name}: " in makefile, "the command that is named is there"


def test_the_machine_can_run_it(tmp_path: Path) -> None:
    found = {one.what: one for one in machine(tmp_path)}
    assert found["file locks"] == Finding("machine", "file locks", "ok")
    assert int(found["cores of this process"].state) >= 1


def test_doctor_refuses_a_mirror_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--mirror", "/nowhere"]) == 2
    assert "mirror /nowhere: no such folder" in capsys.readouterr().err


def test_targets_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets"]) == 0
    assert {"nmc", "levels", "all"} <= set(capsys.readouterr().out.split())
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("defectra ")


def test_a_spectrum_of_the_archive_says_what_computes_it_again_with_the_same_identity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = sorted((PROJECT / "resources/archive/nmc_blocks/calculations").glob("part-*.parquet"))
    name = pq.read_table(parts[0], columns=["calculation_id"])["calculation_id"][0].as_py()
    monkeypatch.chdir(tmp_path)
    assert main(["show", name, "--directory", str(tmp_path)]) == 0
    *_, head, cell, run, folder = capsys.readouterr().out.splitlines()
    assert head.startswith("— raw outputs: the archive keeps tables alone")
    for line in (cell, f"{run} --write"):
        assert main(shlex.split(line)[1:]) == 0, line
    made = tmp_path / folder.split()[1]
    assert (made / "feff.inp").is_file(), "the same input, and so the same identity"
    assert made.name == f"feff-{name[:16]}"
    assert main(["show", name, "--directory", str(tmp_path), "--raw", str(tmp_path / "raw")]) == 2
    assert run in capsys.readouterr().err
