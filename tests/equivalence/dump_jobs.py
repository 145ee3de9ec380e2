"""Program: the jobs of a whole campaign as JSON, asked of Snakemake itself; nothing is run.

``python -P dump_jobs.py CHECKOUT WORKDIR CONFIG MIRROR TARGET...`` with the PYTHONPATH of that
checkout. It imports nothing of the package, so that any state of it can be asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    ResourceSettings,
)

CORES = 1024  # so many that no rule gets fewer threads than it asks for
UNSTABLE = {"tmpdir", "_cores", "_nodes"}  # resources of the machine, not of the rule


def jobs_of(snakefile: Path, workdir: Path, config: dict[str, str], targets: list[str]) -> Any:
    """Rule names, and every job of a forced dry run, as plain values."""
    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL}, keep_logger=True)
    with SnakemakeApi(quiet) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=CORES),
            config_settings=ConfigSettings(config=config),
            snakefile=snakefile,
            workdir=workdir,
        )
        dag = workflow.dag(DAGSettings(targets=set(targets), forceall=True))
        dag.execute_workflow(executor="dryrun", execution_settings=ExecutionSettings(lock=False))
        built = workflow._workflow  # what the API built, which it hands to no one
        return {
            "rules": sorted(rule.name for rule in built.rules),
            "jobs": [
                described(job, job.rule.norun or job.rule.name in built._localrules)
                for job in built.dag.jobs
            ],
        }


def described(job: Any, local: bool) -> dict[str, Any]:
    """What a rule asks for in one job."""
    return {
        "rule": job.rule.name,
        "wildcards": {str(k): str(v) for k, v in sorted(job.wildcards_dict.items())},
        "input": named(job.input),
        "output": named(job.output),
        "log": named(job.log),
        "params": {k: plain(v) for k, v in named(job.params).items()},
        "resources": {k: plain(v) for k, v in job.resources.items() if k not in UNSTABLE},
        "threads": job.threads,
        "local": local,
    }


def named(values: Any) -> dict[str, Any]:
    """Entries of a list of Snakemake by their keyword, those without one by ``""``."""
    out: dict[str, Any] = {}
    covered: set[int] = set()
    for name, (start, stop) in values._get_names():
        chosen = range(start, start + 1 if stop is None else stop)
        covered |= set(chosen)
        found = [plain(values[k]) for k in chosen]
        out[name] = found[0] if stop is None else found
    rest = [plain(values[k]) for k in range(len(values)) if k not in covered]
    return out | ({"": rest} if rest else {})


def plain(value: Any) -> Any:
    """A value of a rule as JSON knows it; numbers stay numbers, the rest becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(v) for v in value]
    return str(value)


def main() -> int:
    """Print the jobs of the checkout on standard output."""
    checkout, workdir, config, mirror = (Path(x) for x in sys.argv[1:5])
    found = [p for p in (checkout / "Snakefile", checkout / "workflow/Snakefile") if p.is_file()]
    if not found:
        sys.exit(f"{checkout}: no Snakefile there")
    settings = {"file": str(config), "mirror": str(mirror)}
    jobs = jobs_of(found[0], workdir, settings, sys.argv[5:])
    print(json.dumps(jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
