"""Fit what calculations cost to the archives, and write ``workflow/costs.yaml``: ``make costs``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from defectra.campaign.costs import Law, Measured, Row, dump, extrapolated, fit, fit_measured
from defectra.campaign.studies import archive_of, requests_of, studies_with_requests
from defectra.core.config import Config, load, own_or_shipped
from defectra.core.errors import DefectraError
from defectra.core.outputs import check_out
from defectra.core.records import CALCULATIONS, GEOMETRIES
from defectra.core.store import Archive, write_bytes


def all_laws(calculations: list[Row], geometries: list[Row], config: Config) -> list[Law]:
    """Laws of all engines: fitted to the archives of every study, then what they extrapolate to."""
    measured: list[Measured] = []
    pairs: list[Row] = list(calculations)
    for study in studies_with_requests():
        asked, archive = requests_of(study), archive_of(study, config)
        measured += asked.measured(archive)
        pairs += asked.pairs(archive)
    laws = [*fit(calculations, geometries), *fit_measured(measured)]
    return [*laws, *extrapolated(laws, pairs)]


def main() -> int:
    """Fit the laws to an archive and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m defectra.campaign.fit_costs", description=main.__doc__
    )
    parser.add_argument("--archive", type=Path, default=Path("resources/archive"))
    parser.add_argument("--out", type=Path, default=Path("workflow/costs.yaml"))
    parser.add_argument("--config", type=Path, default=own_or_shipped())
    args = parser.parse_args()
    archive = Archive(args.archive)
    try:
        check_out(args.out, [args.config], (".yaml",))
        calculations, geometries = archive.read(CALCULATIONS), archive.read(GEOMETRIES)
    except DefectraError as error:
        print(error, file=sys.stderr)
        return 1
    if not calculations:
        print(f"{args.archive}: no calculation in this archive: no law is fitted", file=sys.stderr)
        return 1
    versions = sorted({r["engine_version"] for r in [*calculations, *geometries]})
    source = f"archive {archive.digest()}: {', '.join(versions)}"
    text = dump(all_laws(calculations, geometries, load(args.config)), source)
    write_bytes(args.out, text.encode())
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
