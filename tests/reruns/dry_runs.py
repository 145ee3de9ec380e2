"""Dry runs of a campaign, many in a row: Snakemake is imported once, each is a fork of that."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from campaign import Campaign
from campaign import jobs as counts
from changes import SHARED, Change, Rules
from hollow import changed

SERVER = """
import json, os, sys
import snakemake.cli

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        out = os.open(asked["out"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        snakemake.cli.main(asked["arguments"])
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class DryRuns:
    """Asks Snakemake what it would run in a campaign, as it stands at that moment.

    Parameters
    ----------
    campaign
        A finished one.
    """

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self._out = campaign.folder / "dry-run.txt"

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=self.campaign.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.communicate(timeout=60)

    def rules(self, *changes: Change) -> Rules:
        """Rules that these changes together rerun, by study."""
        with _made(self.campaign, changes):
            return by_study(self._ask("--cores", "1", "-n"))

    def _ask(self, *arguments: str) -> str:
        assert self._server.stdin
        assert self._server.stdout
        print(
            json.dumps({"arguments": arguments, "out": str(self._out)}),
            file=self._server.stdin,
            flush=True,
        )
        code = self._server.stdout.readline().strip()
        text = self._out.read_text(encoding="utf-8")
        assert code == "0", text
        return text


def by_study(text: str) -> Rules:
    """Rules of the jobs that a dry run lists, by the study whose files they make."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n(?: .*\n)*?    output: ([^,\n]+)", text, re.M)
    total = sum(counts(text.partition("Job stats:")[0] + text.rpartition("Job stats:")[2]).values())
    assert len(jobs) == total, f"{len(jobs)} jobs read, {total} announced:\n{text}"
    found: defaultdict[str, set[str]] = defaultdict(set)
    for rule, output in jobs:
        found[_study(output)].add(rule)
    return {study: sorted(found[study]) for study in sorted(found)}


def _study(output: str) -> str:
    """Study of a file of the results; tables of calculations are those of study `nmc`."""
    parts = Path(output).parts
    if output in ("results/scorecard.csv", "results/report.html"):
        return SHARED
    if parts[1] == "chunks":
        return parts[2].partition("-")[0]
    return "nmc" if len(parts) == 2 else parts[1]


@contextmanager
def _made(campaign: Campaign, changes: tuple[Change, ...]) -> Iterator[None]:
    """Files and config with the changes; as before at the end."""
    texts: dict[Path, str] = {}

    def write(path: Path, text: str) -> None:
        texts.setdefault(path, path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")

    config = campaign.folder / "config/config.yaml"
    try:
        for change in changes:
            if change.kind == "key":
                write(config, _set(config, change.what, change.value))
            elif change.kind == "protocol":
                name, _, key = change.what.partition(":")
                path = campaign.folder / f"config/protocols/{name}.yaml"
                write(path, _set(path, key, change.value))
            else:
                path = campaign.folder / "workflow/defectra" / change.what
                write(path, path.read_text(encoding="utf-8") + "\n_EDITED = True\n")
        yield
    finally:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")


def _set(path: Path, key: str, value: Any) -> str:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return yaml.safe_dump(changed(data, key, value))
