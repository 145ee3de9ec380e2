"""All studies in one campaign, with 200,000 calculations of five engines of no cost.

``python -m benchmarks.all_studies [--calculations 200000] [--shards 30]`` prints one JSON line for
each measurement. Study `nmc` asks its engine without physics; four studies that are written into a
copy of the project ask four engines that add two numbers. Plan, ledger, journals, archives, tables
and the graph of jobs are the real ones; steps of the other studies leave empty files, so that no
published data are needed. CPU seconds are those of the whole process tree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.workflow import EDGES, NMC, Cost, _line, files_below, measured

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("reruns", "workflow", ".")]

from campaign import Campaign  # noqa: E402
from hollow import END, hollow_campaign  # noqa: E402

from defectra.core.number_types import positive  # noqa: E402

OTHERS = tuple(f"load{k}" for k in range(1, 5))  # studies, and their engines
PER_STRUCTURE = 20  # calculations of study nmc
REAL = (
    '"/nmc-" in out or ("load" in out and "score" not in out) '
    'or ("/" not in out and out.endswith(".parquet")) or "training" in out or "average" in out'
)

ENGINE = '''"""Engine of no cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import ArraySpec
from defectra.core.arrays import Arrays
from defectra.engines.function import FunctionEngine


def compute(asked: Mapping[str, Any]) -> Arrays:
    """Two numbers."""
    return {"sum": np.array([asked["number"], asked["number"] + 1.0])}


TWO = ArraySpec("sum", "", ("k",), "two numbers", dtype="float64")
ENGINE = FunctionEngine("NAME", compute, revision="1", arrays=(TWO,))
ENGINES = {"NAME": ENGINE}
'''
REQUESTS = '''"""What is asked for: numbers."""

from __future__ import annotations

from collections.abc import Iterator

from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known
from defectra.campaign.studies import StudyRequests
from defectra.core.arrays import array_table
from defectra.core.config import Config
from defectra.core.records import Column
from defectra.engines.NAME.engine import ENGINE

TABLE = array_table("NAME_sums", Column("number", "int", "", "what was asked"))


def chain_of(first: int) -> Chain:
    """Twenty numbers."""

    def chain(known: Known) -> Iterator[Item]:
        for number in range(first, first + 20):
            yield ENGINE.request({"number": number}, "sum", "only", {"number": number})

    return chain


def families(config: Config) -> Iterator[Family]:
    """A family for each twenty."""
    for first in range(0, config.NAME.numbers, 20):
        yield Family(f"from {first}", chain_of(first))


REQUESTS = StudyRequests(
    kinds=(array_kind("sum", TABLE),),
    families=families,
    archive=below_archive("NAME"),
    shards=lambda config: int(config.NAME.shards),
    engines=lambda config: [ENGINE.ENGINE],
    part=lambda config: {"NAME": config.NAME.model_dump(mode="json")},
    measured=lambda archive: measured_arrays(archive, TABLE),
)
'''
SETTINGS = '''"""Settings."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import ComputedSettings


class Load(ComputedSettings):
    """Numbers."""

    numbers: int = Field(20, ge=20, description="calculations")


SETTINGS = Load
'''
RULES = """
use rule step as gather_NAME with:
    input:
        computed_chunks(CONFIG, "NAME"),
    output:
        table="results/NAME/sums.parquet",
        arrays="results/NAME/sums.h5",
    log:
        "results/logs/NAME/gather.log",
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="NAME",
        kind="sum",
        config=part_for(CONFIG, "NAME"),
        study_code=fingerprint(requests_module("NAME")),


use rule step as score_NAME with:
    input:
        rules.gather_NAME.output,
    output:
        scorecard="results/NAME/scorecard.csv",
        checks="results/NAME/checks.csv",
    log:
        "results/logs/NAME/score.log",
    params:
        step="none",


rule NAME:
    input:
        rules.score_NAME.output,
    localrule: True
"""


def add_study(package: Path, name: str) -> None:
    """A study and its engine."""
    study, engine = package / "studies" / name, package / "engines" / name
    files = {"settings.py": SETTINGS, "requests.py": REQUESTS, "rules.smk": RULES}
    files |= {"__init__.py": "", "README.md": f"# {name}\n"}
    for folder, texts in ((study, files), (engine, {"engine.py": ENGINE, "__init__.py": ""})):
        folder.mkdir()
        for file, text in texts.items():
            (folder / file).write_text(text.replace("NAME", name))


def whole_campaign(folder: Path, calculations: int, shards: int) -> Campaign:
    """All studies of the project and four more; a fifth of the calculations each, `nmc` too."""
    campaign = hollow_campaign(folder / "project", folder / "mirror")
    script = campaign.folder / "scripts/step.py"
    touch, end = END.splitlines()
    asks = "out = snakemake.output[0].removeprefix('results/')"
    guarded = f"{asks}\nif not ({REAL}):\n    {touch}\n    {end}"
    script.write_text(script.read_text().replace(END, guarded))
    path = campaign.folder / "config/studies/nmc.yaml"
    data = yaml.safe_load(path.read_text())
    data["edges"] = {name: data["edges"][name] for name in EDGES}
    path.write_text(yaml.safe_dump(data))
    share = calculations // (len(OTHERS) + 1)
    for name in OTHERS:
        add_study(campaign.folder / "workflow/defectra", name)
        campaign.others[name] = {"numbers": share, "shards": shards // 5}
    campaign.others["studies"] += OTHERS
    structures = NMC["structures"] | {"count": max(share // PER_STRUCTURE, 1)}
    campaign.study = NMC | {"shards": shards // 5, "structures": structures}
    campaign.write_config()
    return campaign


def ask(campaign: Campaign, *more: str) -> Cost:
    """Snakemake, as one types it."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *more]
    return measured(command, campaign.folder, package=campaign.folder / "workflow")


def counted(campaign: Campaign) -> dict[str, int]:
    """Calculations in the journals, by study."""
    found: dict[str, int] = {}
    for path in campaign.results.glob("store/*.journal"):
        from defectra.core.journal import read_journal

        study = path.stem.rpartition("-")[0]
        found[study] = found.get(study, 0) + sum(1 for _ in read_journal(path))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calculations", type=positive, default=200_000)
    parser.add_argument("--shards", type=positive, default=30, help="chunks of all five")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        campaign = whole_campaign(Path(name), args.calculations, args.shards)
        first = ask(campaign, "-n", "--quiet")
        tables = [f"results/{study}/sums.parquet" for study in OTHERS]
        full = ask(campaign, "results/nmc/training.parquet", *tables, "--quiet")
        dry = ask(campaign, "-n", "--quiet")
        ask(campaign, "--quiet")  # empty files of all other steps
        nothing = ask(campaign)
        if "Nothing to be done" not in nothing.out:
            raise RuntimeError(f"the second run did something:\n{nothing.out}")
        start = ask(campaign, *_AS_A_JOB)
        numbers = counted(campaign)
        inodes = files_below(campaign.results, campaign.folder / ".snakemake")
    show(numbers, {"first": first, "dry": dry, "full": full, "no-op": nothing, "job": start})
    _line("files and folders left", inodes, "inodes", full)


# One job as an executor starts it in a process of its own; its step leaves empty files.
_AS_A_JOB = (
    *("--mode", "subprocess", "--force", "--nolock", "--quiet"),
    *("--allowed-rules", "collect_scores", "--target-jobs", "collect_scores:"),
)


def show(numbers: dict[str, int], costs: dict[str, Any]) -> None:
    """Lines of all measurements."""
    total, full = sum(numbers.values()), costs["full"]
    check = f"{total} calculations of {len(numbers)} engines"
    _line("first start, plan included", costs["first"].cpu_s, "s CPU", costs["first"], check=check)
    _line("dry run, all studies", costs["dry"].cpu_s, "s CPU", costs["dry"], limit=5.0)
    _line("no-op, all studies", costs["no-op"].cpu_s, "s CPU", costs["no-op"], limit=5.0)
    each = 1e3 * full.cpu_s / total
    _line("overhead", each, "ms CPU each", full, limit=1.0, check=check)
    _line("peak memory", full.rss_mb, "MB, process tree", full, limit=1000.0)
    _line("start of a job", costs["job"].cpu_s, "s CPU", costs["job"], limit=3.0)


if __name__ == "__main__":
    main()
