"""The worker: complete a chunk of a study, or all of it, resumable at any moment.

Each calculation goes into the journal of its chunk at once, so that a kill loses what was in flight
and nothing else. A program of its own: ``python -m defectra.campaign.worker STUDY`` computes what
the archive lacks; any number of them share the work, a chunk that another one holds is passed over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from defectra.campaign.again import leave_again
from defectra.campaign.complete import Counts, Progress, complete, survey
from defectra.campaign.costs import weights
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family, Request, Row, Waiting, chunk_name
from defectra.campaign.studies import families_of, ledger_of, requests_of, studies_with_requests
from defectra.core.config import Config, load, own_or_shipped
from defectra.core.errors import BusyError, ConfigError, reports_errors
from defectra.core.paths import need_checkout
from defectra.core.scratch import use_node_scratch

# A job waits for one of a killed run that is still at its chunk; its own time limit ends it sooner.
PATIENCE_S = 86400.0


def run_families(
    families: Callable[[], Iterable[Family]],
    ledger: Ledger,
    journal: Path,
    counted: Callable[[Request | Waiting], bool] = lambda item: True,  # noqa: ARG005
    patience_s: float = 0.0,
) -> Counts:
    """Complete families in a journal, and tell of it in ``<journal>.progress``.

    Parameters
    ----------
    families
        Gives them anew, since they are looked through before they are computed.
    counted
        Which calculations the progress counts.
    patience_s
        How long to wait for another worker that holds the journal.

    Raises
    ------
    BusyError
        If it still holds it then.
    """
    total = missing = 0
    weight, weigh = 0.0, weights()
    for _, item in survey(families(), ledger):
        number = item.count if isinstance(item, Waiting) else 1
        lacks = isinstance(item, Waiting) or not ledger.holds(item)
        weight += number * weigh(item) if lacks else 0.0
        if counted(item):
            total += number
            missing += lacks and not isinstance(item, Waiting)
    counts = Counts()
    progress = Progress(journal.with_suffix(".progress"), total, missing, weight)
    with ledger.writing(journal, patience_s):
        progress.show(0)
        for request, _ in complete(families(), ledger, journal.parent, counts):
            counts.fresh += counted(request)
            progress.show(counts.fresh, weigh(request))
    progress.show(counts.fresh, last=True)
    leave_again(counts.stopped, counts.without, journal)
    return counts


def run_chunk(
    study: str, chunk: str, config: Config, store: Path, patience_s: float = 0.0
) -> Counts:
    """Complete one chunk of a study; what the engines lack is counted, and said by the caller.

    Parameters
    ----------
    store
        Folder of the journals.
    patience_s
        How long to wait for another worker that holds the journal.
    """
    journal = store / f"{chunk}.journal"

    def families() -> Iterator[Family]:
        return families_of(study, config, chunk)

    ledger = ledger_of(study, config, store)
    return run_families(families, ledger, journal, patience_s=patience_s)


def chunks_of_study(study: str, config: Config) -> list[str]:
    """Names of all chunks of a study."""
    return [chunk_name(study, n) for n in range(requests_of(study).shards(config))]


def line(request: Request, row: Row) -> str:
    """One line for people about a calculation that was run."""
    what = " ".join(str(v) for v in request.about.values() if isinstance(v, str))
    reason = f" ({row['message']})" if row["message"] else ""
    name = f"{request.engine} {request.protocol}"
    return f"{name}: {what[:70]}: {row['status']}{reason}, {row['cpu_s']:.0f} CPU s"


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Compute what a study asks for and lacks.")
    parser.add_argument("study", choices=studies_with_requests())
    parser.add_argument("--chunk", help="one chunk, e.g. levels-01; default: all, one by one")
    parser.add_argument("--config", type=Path, default=own_or_shipped())
    parser.add_argument("--store", type=Path, default=Path("results/store"))
    args = parser.parse_args()
    need_checkout()
    use_node_scratch()
    config = load(args.config)
    chunks = chunks_of_study(args.study, config)
    if args.chunk and args.chunk not in chunks:
        few = chunks if len(chunks) < 4 else [chunks[0], "...", chunks[-1]]
        raise ConfigError(
            f"--chunk {args.chunk}: no chunk of study {args.study}, which are {', '.join(few)}"
        )
    for chunk in [args.chunk] if args.chunk else chunks:
        try:
            counts = run_chunk(args.study, chunk, config, args.store)
        except BusyError as error:
            print(f"{chunk}: {error}", flush=True)
            continue
        print(f"{chunk}: {counts.computed} computed, {counts.failed} of them failed, "
              f"{counts.known} known, {counts.waiting} wait for others", flush=True)  # fmt: skip
        for sentence in counts.sentences():
            print(f"{chunk}: {sentence}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
