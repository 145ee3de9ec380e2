"""POTCAR files, which VASP's licence keeps with the user: found, joined, recorded by checksum."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from defectra.core.errors import EngineError
from defectra.core.textfiles import read_text
from defectra.engines.programs import Files

POTCAR_SETTING = "PMG_VASP_PSP_DIR"
POTCAR_FOLDERS = ("POT_GGA_PAW_PBE_54", "POT_PAW_PBE_54")  # as pymatgen names them


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


def potcar_checksums(secret: Files) -> Files:
    """Title and SHA-256 of each data set of a POTCAR, which may be kept beside the run."""
    lines = []
    for part in (p.strip() for p in secret["POTCAR"].split("End of Dataset")):
        title = " ".join(part.partition("\n")[0].split())
        shown = title if title.startswith("PAW") else "without title"  # no other line may be kept
        lines += [f"{shown}  {hashlib.sha256(part.encode()).hexdigest()}"] if part else []
    return {"POTCAR.used": "\n".join([*lines, ""])}
