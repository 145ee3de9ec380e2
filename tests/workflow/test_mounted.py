"""Defectra as a module of another workflow: with and without a prefix, one campaign and two."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from campaign import STUDY, TABLES_ONLY, Campaign, jobs

from defectra.core.records import STRUCTURES
from defectra.core.store import read_table

pytestmark = pytest.mark.workflow

SMALL = STUDY | {"structures": STUDY["structures"] | {"compositions": ["NMC622"], "orderings": 1}}


class Mounting:
    """A workflow of a user's own, with a copy of this project below ``modules/``."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        Campaign(folder / "modules/defectra")
        shutil.copy(Path(__file__).parent / "mounted/Snakefile", folder)
        (folder / "mine.yaml").write_text(yaml.safe_dump({"asked": TABLES_ONLY, **config}))

    def snakemake(self, *arguments: str) -> str:
        """Snakemake typed in the folder of the user's workflow; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def planned(self, *targets: str) -> dict[str, int]:
        """Jobs by rule that a dry run announces."""
        return jobs(self.snakemake(*targets, "-n", "--quiet=rules"))

    def compositions(self, results: str) -> set[str]:
        """Compositions of the structures of one results folder."""
        rows = read_table(self.folder / results / "structures.parquet", STRUCTURES)
        return {row["composition"] for row in rows}


def test_one_campaign_beside_the_rules_of_the_user(tmp_path: Path) -> None:
    mine = Mounting(tmp_path, {"first": {"nmc": SMALL}, "prefixes": [None]})
    assert mine.planned() == {"d_calculate": 1, "d_gather": 1, "count": 1}
    assert not (tmp_path / "results").exists(), "a dry run writes nothing"
    mine.snakemake()
    assert mine.compositions("results") == {"Ni6Mn2Co2"}
    assert mine.planned() == {}
    assert {"d_evaluate", "d_score", "d_plot_parity"} <= mine.planned("d_nmc").keys()
    assert not (tmp_path / "modules/defectra/results").exists()


def test_two_campaigns_keep_to_their_prefixes(tmp_path: Path) -> None:
    other = SMALL | {"structures": SMALL["structures"] | {"compositions": ["NMC811"]}, "shards": 1}
    config = {"first": {"nmc": SMALL}, "second": {"nmc": other}, "prefixes": ["one", "deep/two"]}
    mine = Mounting(tmp_path, config)
    mine.snakemake()
    assert mine.compositions("one/results") == {"Ni6Mn2Co2"}
    assert mine.compositions("deep/two/results") == {"Ni8Mn1Co1"}
    assert mine.planned() == {}
    assert not (tmp_path / "results").exists()
    for results in ("one/results", "deep/two/results"):
        assert list((tmp_path / results / "store").glob("*.journal"))
