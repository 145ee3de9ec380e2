"""A crystal, what to compute of it, and what stubs of the programs write."""

from __future__ import annotations

from pathlib import Path

from defectra.cli.run import Asked
from defectra.engines.programs import Program
from defectra.engines.spectrum import programs_of_spectra

PROGRAMS = {
    name: engine.single
    for name, engine in programs_of_spectra().items()
    if isinstance(engine.single, Program)
}
DATA = Path(__file__).parents[2] / "data" / "feff_lco"
POSCAR = """LiCoO2
1.0
-1.40805 -2.43881414 0
-2.8161 0 0
-1.40805 -0.812938047 -4.68453333
Co Li O
1 1 2
direct
0 0 0
0.5 0.5 0.5
0.2606 0.2606 0.2182
0.7394 0.7394 0.7818
"""
FDMNES_SPECTRUM = "    Energy    <xanes>\n" + "".join(
    f" {e:.2f} {0.1 + 0.01 * e:.6f}\n" for e in range(60)
)


def copying(*files: Path) -> str:
    return "import shutil\n" + "\n".join(f"shutil.copy({str(f)!r}, '.')" for f in files)


def asked(poscar, name, protocol="fast", element="O", edge="K", site=2):
    return Asked(name, protocol, poscar, element, edge, site)


def geometry(poscar):
    from defectra.engines.finished.pairing import rows_of
    from defectra.structures.io import read_structure

    return rows_of(read_structure(poscar))[1]
