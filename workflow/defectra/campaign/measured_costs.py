"""What the engines of a study took in its own runs, as laws of the cost model.

``python -m defectra.campaign.measured_costs STUDY`` fits journals and archive of a study and
writes ``engines/<engine>/costs.yaml`` of each of its engines that ``workflow/costs.yaml`` does not
know; the cost model finds it there. So an engine that comes with a study brings its own law.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from defectra.campaign.complete import survey
from defectra.campaign.costs import ALONE, Law, Measured, dump, fit_measured, load, measured_row
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Request
from defectra.campaign.studies import (
    archive_of,
    families_of,
    ledger_of,
    requests_of,
    studies_with_requests,
)
from defectra.core.config import Config, own_or_shipped
from defectra.core.config import load as load_config
from defectra.core.engines import engine_module
from defectra.core.errors import StoreError, reports_errors
from defectra.core.paths import PACKAGE, PROJECT, why_no_folder
from defectra.core.records import Status
from defectra.core.store import write_bytes

STORE = Path("results/store")


def measured_runs(study: str, config: Config, ledger: Ledger) -> Iterator[Measured]:
    """What the finished runs of a study took: those of its journals, then those of its archive."""
    seen: set[str] = set()
    for _, item in survey(families_of(study, config), ledger):
        if not isinstance(item, Request) or item.calculation_id in seen:
            continue
        seen.add(item.calculation_id)
        found = ledger.record(item.calculation_id)
        if found is not None and found.row["status"] == Status.OK:
            yield measured_row((item.engine, item.protocol, ALONE), item.atoms, found.row)
    yield from requests_of(study).measured(archive_of(study, config))


def laws_by_folder(found: list[Measured], known: set[tuple[str, str, str]]) -> dict[str, list[Law]]:
    """New laws by the folder of their engine."""
    out: dict[str, list[Law]] = {}
    for law in fit_measured(found):
        if law.key not in known:
            out.setdefault(engine_module(law.engine).split(".")[2], []).append(law)
    return out


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Laws of the cost of a study's own engines.")
    parser.add_argument("study", choices=studies_with_requests())
    parser.add_argument("--config", type=Path, default=own_or_shipped())
    parser.add_argument("--store", type=Path, default=STORE)
    args = parser.parse_args()
    if args.store != STORE and not args.store.is_dir():
        raise StoreError(f"--store {args.store}: {why_no_folder(args.store)}")
    config = load_config(args.config)
    ledger = ledger_of(args.study, config, args.store)
    found = list(measured_runs(args.study, config, ledger))
    known = set(load(PROJECT / "workflow/costs.yaml"))
    new = laws_by_folder(found, known)
    if not new:
        print(
            f"nothing is written: of {len(found)} calculations of study {args.study} none is of an "
            "engine and protocol that workflow/costs.yaml does not know"
        )
        return 1
    for folder, laws in new.items():
        path = PACKAGE / "engines" / folder / "costs.yaml"
        write_bytes(path, dump(laws, f"runs of study {args.study}").encode())
        print(f"{path}: {len(laws)} laws of {len(found)} calculations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
