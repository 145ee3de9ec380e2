"""Sites at every fidelity, for ``docs/spectra.md``, from the archive alone.

``python -m benchmarks.pages.xanes_ladder`` prints how far the spectra of one site are apart by
engine and protocol, as study `xanes` compares them; ``... write`` puts it between its marks.
RMS: root mean square; r: correlation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import put, table
from defectra.core.claims import Rows
from defectra.core.config import Config, load
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA
from defectra.core.store import Archive
from defectra.studies.xanes.fidelity_comparison import compare_nickel, compare_sites

PAGE, NAME = Path(__file__).parents[2] / "docs/spectra.md", "xanes_ladder"
NICKEL = "Ni K"


def compared(config: Config) -> Rows:
    """Rows of the comparison: sites of the archive of fidelities, then nickel sites of the first.

    Returns
    -------
    Rows of ``results/xanes/ladder.csv``, without the codes of the published data.
    """
    study = config.xanes
    own, first = Archive(study.ladder.archive), Archive(config.archive)
    tables = (own.read(CALCULATIONS), own.read(SPECTRA), own.read(GEOMETRIES))
    nickel = (study.nickel.protocol, "balanced", study.nickel.edge_shift)
    return [
        *compare_sites(*tables, study.ladder),
        *compare_nickel(first.read(CALCULATIONS), first.read(SPECTRA), *nickel),
    ]


def text(rows: Rows, declared: float) -> str:
    """Table of the sites at every fidelity, and a sentence on nickel.

    Parameters
    ----------
    declared
        Shift of Ni K that is part of those in `rows`, eV.
    """
    sites = [r for r in rows if not str(r["panel"]).startswith(NICKEL)]
    tops = list(dict.fromkeys(str(r["reference"]) for r in sites if r["reference"]))
    head = ["site", "fidelity", "CPU s", *(f"to {top}: RMS, r" for top in tops)]
    return "\n\n".join([
        _nickel(
            [r for r in rows if str(r["panel"]).startswith(NICKEL) and r["reference"]], declared
        ),
        "One site at every fidelity (`resources/archive/ladder`), 1 eV FWHM, relative RMS and r "
        "after one shift and one Gaussian of its own:",
        table(head, _lines(sites, tops)),
    ])  # fmt: skip


def _lines(rows: Rows, tops: list[str]) -> Iterator[list[str]]:
    for panel, rung in dict.fromkeys((str(r["panel"]), str(r["rung"])) for r in rows):
        own = [r for r in rows if (r["panel"], r["rung"]) == (panel, rung)]
        by = {str(r["reference"]): r for r in own}
        cells = [
            f"{by[t]['relative_rms']:.3f}, {by[t]['pearson']:.3f}" if t in by else "" for t in tops
        ]
        yield [panel, rung, f"{float(own[0]['cpu_s']):,.0f}", *cells]


def _nickel(rows: Rows, declared: float) -> str:
    if not rows:
        return "No nickel site of the archive was computed at both protocols."
    rms = sorted(float(r["relative_rms"]) for r in rows)
    moved = [float(r["shift"]) - declared for r in rows]
    return (
        f"**{NICKEL} of the archive**: `{rows[0]['rung']}` against `{rows[0]['reference']}`, "
        f"{len(rows)} sites: relative RMS {rms[0]:.3f} to {rms[-1]:.3f}, shifts "
        f"{min(moved):+.2f} to {max(moved):+.2f} eV."
    )


def main() -> int:
    """Print the text, or write it into the page."""
    config = load()
    own = text(compared(config), config.xanes.nickel.edge_shift)
    if "write" in sys.argv[1:]:
        put(PAGE, NAME, own)
    else:
        print(own)
    return 0


if __name__ == "__main__":
    sys.exit(main())
