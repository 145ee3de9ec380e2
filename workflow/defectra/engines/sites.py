"""All engines that compute one site, by name, each with its protocols."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.core.errors import ConfigError, EngineError
from defectra.core.protocols import Protocols
from defectra.core.textfiles import read_text
from defectra.engines.fdmnes import read as fdmnes
from defectra.engines.feff import read as feff
from defectra.engines.feff.input import cluster, feff_input
from defectra.engines.programs import Program
from defectra.engines.single import SingleEngine
from defectra.engines.vasp import read as vasp
from defectra.structures.geometry import to_pymatgen

if TYPE_CHECKING:
    from defectra.engines.programs import Files, Geometry

EMBEDDED = ("feff", "gpaw_corehole")
PROTOCOL = {"vasp": "published", "fdmnes": "published"}  # where it is not `fast`
POTCAR_SETTING = "PMG_VASP_PSP_DIR"
POTCAR_FOLDERS = ("POT_GGA_PAW_PBE_54", "POT_PAW_PBE_54")  # as pymatgen names them


def _feff_files(geometry: Geometry, index: int, edge: str, protocol: Any) -> Files:
    atoms = cluster(geometry, index)
    return {"feff.inp": feff_input(atoms, edge, protocol, protocol.mixing)}


def _vasp_files(geometry: Geometry, index: int, edge: str, protocol: Any) -> Files:
    from defectra.engines.vasp.input import inputs

    return inputs(to_pymatgen(geometry), index, replace(protocol, edge=edge))


def _fdmnes_files(geometry: Geometry, index: int, edge: str, protocol: Any) -> Files:
    from defectra.engines.fdmnes.input import inputs

    wanted = "L23" if edge.startswith("L") else edge
    element = geometry["species"][index]
    return inputs(to_pymatgen(geometry), element, replace(protocol, edge=wanted), index)


def potcar(files: Files) -> Files:
    """POTCAR of the elements that ``POTCAR.needed`` lists, from the user's own folder.

    Raises
    ------
    EngineError
        ``potcar_missing``: no folder is named, or it lacks an element.
    """
    lines = files["POTCAR.needed"].splitlines()[1:]
    return {"POTCAR": "".join(_potcar_of(line.split()[0]) for line in lines if line.strip())}


def _potcar_of(element: str) -> str:
    """Text of the POTCAR of an element, a GW set if there is one."""
    from pymatgen.core import SETTINGS

    home = os.environ.get(POTCAR_SETTING) or SETTINGS.get(POTCAR_SETTING)
    for symbol in (f"{element}_GW", element, f"{element}_sv", f"{element}_pv"):
        for folder in POTCAR_FOLDERS if home else ():
            for name in (f"{symbol}/POTCAR", f"POTCAR.{symbol}"):
                for path in (Path(home, folder, name), Path(home, folder, f"{name}.gz")):
                    if path.is_file():
                        return read_text(path).rstrip("\n") + "\n"
    raise EngineError(
        "potcar_missing",
        f"no POTCAR of {element} ({' or '.join(POTCAR_FOLDERS)}): VASP's licence keeps them with "
        f"you; name the folder that holds yours in {POTCAR_SETTING}, laid out as pymatgen wants it",
    )


def potcar_told(secret: Files) -> Files:
    """Title and SHA-256 of each data set of a POTCAR, which may be kept beside the run."""
    lines = []
    for part in (p.strip() for p in secret["POTCAR"].split("End of Dataset")):
        title = " ".join(part.partition("\n")[0].split())
        shown = title if title.startswith("PAW") else "without title"  # no other line may be kept
        lines += [f"{shown}  {hashlib.sha256(part.encode()).hexdigest()}"] if part else []
    return {"POTCAR.used": "\n".join([*lines, ""])}


PROGRAMS: Mapping[str, Program] = {
    "feff_binary": Program(
        "feff_binary", feff.PARSER_VERSION, ("feff10", "feff9", "feff"), "DEFECTRA_FEFF",
        "get FEFF9 or FEFF10 from its authors (feff.phys.washington.edu; the engine `feff` needs "
        "neither)", feff, _feff_files,
    ),
    "vasp": Program(
        "vasp", vasp.PARSER_VERSION, ("vasp_std", "vasp"), "DEFECTRA_VASP",
        "VASP 6 needs a licence of your own (vasp.at)", vasp, _vasp_files, potcar, ("POTCAR",),
        potcar_told,
    ),
    "fdmnes": Program(
        "fdmnes", fdmnes.PARSER_VERSION, ("fdmnes", "fdmnes_linux64"), "DEFECTRA_FDMNES",
        "get FDMNES from its authors (fdmnes.neel.cnrs.fr)", fdmnes, _fdmnes_files,
    ),
}  # fmt: skip


def names() -> tuple[str, ...]:
    """All engines."""
    return (*EMBEDDED, *PROGRAMS)


def engine(name: str) -> SingleEngine:
    """Engine by name.

    Raises
    ------
    ConfigError
        For a name that is none.
    """
    if name in PROGRAMS:
        return PROGRAMS[name]
    if name == "gpaw_corehole":
        from defectra.engines.gpaw import corehole as gpaw_corehole

        return gpaw_corehole
    if name == "feff":
        from defectra.engines.feff import run as embedded

        return embedded
    raise ConfigError(f"no engine {name!r}; there are {', '.join(names())}")


def protocol_of(name: str, protocol: str, element: str, known: Protocols) -> Any:
    """Settings of a protocol of an engine; VASP and FDMNES have one, ``published``.

    Raises
    ------
    ConfigError
        For a name that is none.
    """
    from defectra.engines.fdmnes.input import PUBLISHED, FdmnesProtocol
    from defectra.engines.vasp.input import VaspProtocol

    tables: dict[str, Mapping[str, Any]] = {
        "feff": known.feff,
        "feff_binary": known.feff,
        "gpaw_corehole": known.gpaw_corehole,
        "vasp": {"published": VaspProtocol()},
        "fdmnes": {"published": PUBLISHED.get(element, FdmnesProtocol("K", "6"))},
    }
    if protocol not in tables[name]:
        allowed = ", ".join(tables[name])
        raise ConfigError(f"engine {name}: no protocol {protocol!r}; allowed: {allowed}")
    return tables[name][protocol]
