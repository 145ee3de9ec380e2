"""Whether a move has changed anything: jobs of two checkouts, results of two runs; and counts.

``python -m tests.equivalence jobs --before CHECKOUT --after CHECKOUT --mirror FOLDER``
``python -m tests.equivalence results --before RESULTS --after RESULTS``
``python -m tests.equivalence counts --before CHECKOUT --after CHECKOUT --mirror FOLDER``

``--declared FILE`` names what is meant to differ, see ``declared.py``. A dump that was kept
(``--keep FOLDER``) can stand for its checkout. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.equivalence import counts
from tests.equivalence.declared import Declared
from tests.equivalence.jobs import differences, dump
from tests.equivalence.results import compare


def main(arguments: list[str] | None = None) -> int:
    """Compare, print what differs, return 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m tests.equivalence", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for name in ("jobs", "results", "counts"):
        kind = kinds.add_parser(name)
        kind.add_argument("--before", type=Path, required=True)
        kind.add_argument("--after", type=Path, required=True)
    for name in ("jobs", "results"):
        kind = kinds.choices[name]
        kind.add_argument("--declared", type=Path, help="JSON: rules, paths, params, accepted")
    for name in ("jobs", "counts"):
        kind = kinds.choices[name]
        kind.add_argument("--mirror", type=Path, required=True, help="published data")
        kind.add_argument("--python", default=sys.executable, help="runs Snakemake for both")
    kinds.choices["jobs"].add_argument("--keep", type=Path, help="folder for both dumps")
    args = parser.parse_args(arguments)
    if args.kind == "counts":
        return _counts(args)
    declared = Declared.read(args.declared)
    found = _jobs(args, declared) if args.kind == "jobs" else _results(args, declared)
    left = declared.left(found)
    for text in [*declared.reasons(found), *left]:
        print(text)
    print(f"{len(left)} differences" if left else "no difference")
    return 1 if left else 0


def _counts(args: argparse.Namespace) -> int:
    mirror = args.mirror.resolve()
    both = [
        counts.counted(checkout) | counts.reruns(checkout, mirror, args.python)
        for checkout in (args.before.resolve(), args.after.resolve())
    ]
    print(counts.table(*both))
    return 0


def _jobs(args: argparse.Namespace, declared: Declared) -> list[str]:
    before, after = (_dumped(args, name) for name in ("before", "after"))
    for name, found in (("before", before), ("after", after)):
        print(f"{name}: {len(found['rules'])} rules, {len(found['jobs'])} jobs")
    return differences(before, after, declared)


def _dumped(args: argparse.Namespace, name: str) -> Any:
    source: Path = getattr(args, name).resolve()
    if source.is_file():
        return json.loads(source.read_text(encoding="utf-8"))
    found = dump(source, args.mirror.resolve(), args.python)
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=1, sort_keys=True)
        (args.keep / f"jobs-{name}.json").write_text(text + "\n", encoding="utf-8")
    return found


def _results(args: argparse.Namespace, declared: Declared) -> list[str]:
    found = compare(args.before, args.after, declared)
    print(found.table())
    return found.differences


if __name__ == "__main__":
    sys.exit(main())
