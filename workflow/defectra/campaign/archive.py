"""Fill an archive: compute the calculations of a study in their order, resumable at any moment.

``python -m defectra.campaign.archive fill STUDY`` computes family by family into journals of their
own below a folder, ``export STUDY`` turns journals into immutable Parquet parts. The order is that
of the study, so that what is there at any time is a fair sample.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from defectra.campaign.complete import Counts
from defectra.campaign.export import export
from defectra.campaign.request import Family
from defectra.campaign.studies import families_of, journals_of, ledger_of, studies_with_requests
from defectra.campaign.worker import run_families
from defectra.core.config import Config, load, own_or_shipped
from defectra.core.errors import BusyError, reports_errors
from defectra.core.paths import need_checkout
from defectra.core.scratch import use_node_scratch

STORE = Path("results/store")


def fill(study: str, config: Config, work: Path) -> Iterator[tuple[str, Counts]]:
    """Complete family after family; yields the name of each and what became of it.

    Parameters
    ----------
    work
        Folder of the journals, one for each family. A family whose journal another worker holds
        is passed over, so any number of workers may share the folder.
    """
    for family in families_of(study, config):
        name = re.sub(r"[^\w.+-]+", "_", family.name)
        journal = work / f"{name}.journal"
        ledger = ledger_of(study, config, work, journal)

        def alone(family: Family = family) -> list[Family]:
            return [family]

        try:
            yield family.name, run_families(alone, ledger, journal)
        except BusyError:
            continue


@reports_errors
def main() -> int:
    """Command line of ``make archive`` and ``make live`` (the archive of study levels)."""
    parser = argparse.ArgumentParser(description="Fill the archive of calculations.")
    parser.add_argument("action", choices=["fill", "export"])
    parser.add_argument("study", choices=studies_with_requests())
    parser.add_argument("--config", type=Path, default=own_or_shipped())
    parser.add_argument("--work", type=Path, default=Path("results/archive"))
    args = parser.parse_args()
    need_checkout()
    config = load(args.config)
    if args.action == "export":
        journals = [*sorted(args.work.glob("*.journal")), *journals_of(args.study, STORE)]
        print(export(args.study, config, journals))
        return 0
    use_node_scratch()
    start = time.time()
    for name, counts in fill(args.study, config, args.work):
        minutes = (time.time() - start) / 60
        summary = "; ".join([f"{counts.total} calculations, {counts.computed} computed",
                          *counts.sentences()])  # fmt: skip
        print(f"{minutes:7.1f} min  {name}: {summary}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
