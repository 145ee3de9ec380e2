"""Jobs of two checkouts side by side: names, files, resources, parameters; no code hashes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.equivalence.declared import Declared

PROGRAM = Path(__file__).with_name("dump_jobs.py")
HASHES = {"code"}  # parameters that carry a hash of code; an edit may change them
TARGETS = ("all", "nmc", "levels", "perovskites", "xanes", "ladder")
STUDIES = ("nmc", "levels", "perovskites", "xanes")
PARTS = ("input", "output", "log", "params", "resources")
Job = dict[str, Any]


def dump(checkout: Path, mirror: Path, python: str, targets: tuple[str, ...] = TARGETS) -> Any:
    """Jobs of a checkout with all studies, paths of this machine taken out, in a stable order."""
    return normal(raw_jobs(checkout, mirror, python, targets))


def raw_jobs(checkout: Path, mirror: Path, python: str, targets: tuple[str, ...] = TARGETS) -> Any:
    """Jobs of a checkout with all studies, hashes of code among their parameters.

    Paths of this machine are replaced by a name of each.

    Raises
    ------
    SystemExit
        With what Snakemake said, if the jobs cannot be worked out.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        config = shutil.copytree(checkout / "config", work / "config") / "config.yaml"
        own = yaml.safe_load(config.read_text(encoding="utf-8"))
        config.write_text(yaml.safe_dump(own | {"studies": list(STUDIES)}), encoding="utf-8")
        (work / "run").mkdir()
        command = [python, "-P", str(PROGRAM), *map(str, (checkout, work / "run", config, mirror))]
        done = subprocess.run(
            [*command, *targets],
            cwd=work,
            env={**os.environ, "PYTHONPATH": str(checkout / "workflow")},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{checkout}: no jobs\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    paths = {str(work): "<work>", str(mirror): "<mirror>", str(checkout): "<checkout>"}
    paths |= {os.path.relpath(checkout, work / "run"): "<checkout>"}
    return renamed(json.loads(done.stdout.splitlines()[-1]), paths)


def renamed(found: Any, paths: dict[str, str]) -> Any:
    """Jobs with other names for some paths, the longest path first.

    A dry run may keep its plan in a temporary folder; it is the plan of the results folder.
    """
    text = re.sub(r'"[^"]*/defectra-plan-[^"/]+/plan/', '"results/plan/', json.dumps(found))
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(json.dumps(path)[1:-1], paths[path])
    return json.loads(text)


def normal(found: Any) -> Any:
    """Jobs sorted, without hashes of code."""
    for job in found["jobs"]:
        job["params"] = {k: v for k, v in job["params"].items() if k not in HASHES}
    return {**found, "jobs": sorted(found["jobs"], key=title)}


def title(job: Job) -> str:
    """Rule and wildcards: what a job is called."""
    wild = ", ".join(f"{k}={v}" for k, v in job["wildcards"].items())
    return f"{job['rule']}({wild})" if wild else job["rule"]


def differences(before: Any, after: Any, declared: Declared) -> list[str]:
    """Differences of two dumps in words; names that were declared are those of the new dump."""
    renamed = [r for r in (declared.rules.get(n, n) for n in before["rules"]) if r is not None]
    out = _names("rule", set(renamed), set(after["rules"]))
    old = {title(job): job for job in (as_now(j, declared) for j in before["jobs"]) if job["rule"]}
    new = {title(job): job for job in after["jobs"]}
    out += _names("job", set(old), set(new))
    for name in sorted(set(old) & set(new)):
        out += [f"{name}: {text}" for text in _of_job(old[name], new[name])]
    return out


def as_now(job: Job, declared: Declared) -> Job:
    """A job of before with the names of now; its rule is None if that is gone on purpose."""
    names = {k: declared.param(job["rule"], k) for k in job["params"]}
    params = {names[k]: declared.values(v) for k, v in job["params"].items() if names[k]}
    files = {k: declared.values(job[k]) for k in ("input", "output", "log")}
    rule = declared.rules.get(job["rule"], job["rule"])
    return {**job, **files, "rule": rule, "params": params}


def _names(kind: str, old: set[str], new: set[str]) -> list[str]:
    gone = [f"{kind} {name} is gone" for name in sorted(old - new)]
    return gone + [f"{kind} {name} is new" for name in sorted(new - old)]


def _of_job(old: Job, new: Job) -> list[str]:
    out = []
    for part in PARTS:
        for key in sorted(old[part].keys() | new[part].keys()):
            said = _of_value(old[part], new[part], key)
            out += [f"{part} {key or '(without a name)'} {said}"] if said else []
    for key in ("threads", "local"):
        if old[key] != new[key]:
            out.append(f"{key} was {old[key]} and is {new[key]}")
    return out


def _of_value(old: dict[str, Any], new: dict[str, Any], key: str) -> str:
    if key not in new:
        return "is gone"
    if key not in old:
        return f"is new: {_short(new[key])}"
    a, b = old[key], new[key]
    if a == b:
        return ""
    if isinstance(a, list) and isinstance(b, list):
        return _of_list(a, b)
    return f"was {_short(a)} and is {_short(b)}"


def _of_list(old: list[Any], new: list[Any]) -> str:
    gone, more = [x for x in old if x not in new], [x for x in new if x not in old]
    if not gone and not more:
        return f"has its {len(new)} entries in another order or number ({len(old)} before)"
    return f"lost {_short(gone)} and gained {_short(more)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]} ({len(text)} characters)"
