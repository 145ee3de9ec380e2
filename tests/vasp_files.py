"""Writes VASP outputs of invented runs, as little as pymatgen reads: for tests of the parsers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

VALENCE = {"Cd": 12.0, "Te": 6.0, "Cu": 11.0, "P": 5.0, "Li": 1.0}


def _varray(name: str, rows: Any) -> str:
    lines = "".join(f"<v>{' '.join(f'{x:.8f}' for x in r)}</v>\n" for r in np.atleast_2d(rows))
    return f'<varray name="{name}">\n{lines}</varray>\n'


def _structure(tag: str, lattice: Any, coords: Any) -> str:
    inverse = np.linalg.inv(lattice).T
    volume = abs(np.linalg.det(lattice))
    return (
        f'<structure name="{tag}"><crystal>{_varray("basis", lattice)}<i name="volume">{volume:.6f}'
        f"</i>{_varray('rec_basis', inverse)}</crystal>{_varray('positions', coords)}</structure>\n"
        if tag
        else f'<structure><crystal>{_varray("basis", lattice)}<i name="volume">{volume:.6f}</i>'
        f"{_varray('rec_basis', inverse)}</crystal>{_varray('positions', coords)}</structure>\n"
    )


def vasprun(
    lattice: Any,
    species: list[str],
    coords: Any,
    charge: int,
    energy: float,
    *,
    cutoff: float = 300.0,
    bands: tuple[tuple[float, float], ...] = ((-1.0, 1.0), (0.0, 1.0), (1.5, 0.0)),
    steps: int = 3,
) -> str:
    """XML of one static PBE run at the zone centre; `bands` are (energy, filling)."""
    kinds = list(dict.fromkeys(species))
    electrons = sum(VALENCE[s] for s in species) - charge
    atoms = "".join(f"<rc><c>{s}</c><c>{kinds.index(s) + 1}</c></rc>" for s in species)
    types = "".join(
        f"<rc><c>{species.count(k)}</c><c>{k}</c><c>1.0</c><c>{VALENCE[k]}</c>"
        f"<c>PAW_PBE {k}</c></rc>"
        for k in kinds
    )
    scf = "".join(
        f'<scstep><energy><i name="e_fr_energy">{energy}</i><i name="e_wo_entrp">{energy}</i>'
        f'<i name="e_0_energy">{energy}</i></energy></scstep>'
        for _ in range(steps)
    )
    states = "".join(f"<r>{e} {f}</r>" for e, f in bands)
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
<generator><i name="program" type="string">vasp</i><i name="version" type="string">6.4.2</i>
<i name="subversion" type="string">x</i><i name="platform" type="string">x</i>
<i name="date" type="string">2024 01 01</i><i name="time" type="string">00:00:00</i></generator>
<incar><i type="string" name="GGA">PE</i><i type="int" name="NELM">60</i></incar>
<kpoints><generation param="Gamma"><v type="int" name="divisions">1 1 1</v>
<v name="usershift">0 0 0</v></generation>
{_varray("kpointlist", [[0, 0, 0]])}{_varray("weights", [[1.0]])}</kpoints>
<parameters><separator name="electronic"><i name="ENMAX">{cutoff}</i>
<i name="NELECT">{electrons}</i>
<i type="int" name="ISPIN">1</i><i type="int" name="NELM">60</i><i type="int" name="NELMDL">-5</i>
<i type="logical" name="LHFCALC">F</i></separator>
<separator name="electronic exchange-correlation"><i type="string" name="GGA">PE</i>
<i type="logical" name="LHFCALC">F</i><i name="AEXX">0.0</i><i name="HFSCREEN">0.0</i>
<i type="string" name="METAGGA">--</i><i type="logical" name="LDAU">F</i>
<v type="string" name="LDAUU">0</v></separator>
<separator name="ionic"><i type="int" name="NSW">0</i><i type="int" name="IBRION">-1</i></separator>
</parameters>
<atominfo><atoms>{len(species)}</atoms><types>{len(kinds)}</types>
<array name="atoms"><dimension dim="1">ion</dimension><field type="string">element</field>
<field type="int">atomtype</field><set>{atoms}</set></array>
<array name="atomtypes"><dimension dim="1">type</dimension><field type="int">atomspertype</field>
<field type="string">element</field><field>mass</field><field>valence</field>
<field type="string">pseudopotential</field><set>{types}</set></array></atominfo>
{_structure("initialpos", lattice, coords)}
<calculation>{scf}{_structure("", lattice, coords)}
{_varray("forces", np.zeros((len(species), 3)))}
<energy><i name="e_fr_energy">{energy}</i><i name="e_wo_entrp">{energy}</i>
<i name="e_0_energy">{energy}</i></energy>
<eigenvalues><array><dimension dim="1">band</dimension><dimension dim="2">kpoint</dimension>
<dimension dim="3">spin</dimension><field>eigene</field><field>occ</field>
<set><set comment="spin 1"><set comment="kpoint 1">{states}</set></set></set></array></eigenvalues>
<dos><i name="efermi">0.7</i></dos>
</calculation>
{_structure("finalpos", lattice, coords)}
</modeling>
"""


def outcar(potentials: Any) -> str:
    """Text of an OUTCAR with the potentials at the cores, as VASP prints them (of an electron)."""
    body = "".join(
        f"{k + 1:8d}{v:9.4f}" + ("\n" if (k + 1) % 5 == 0 else "") for k, v in enumerate(potentials)
    )
    return (
        " vasp.6.4.2 x\n"
        " running on    1 total cores\n"
        "   k-points           NKPTS =      1   number of bands    NBANDS=     48\n"
        "   total plane-waves  NPLWV =  13824\n"
        "   IBRION =     -1    ionic relax: 0-MD 1-quasi-New 2-CG\n"
        "   dimension x,y,z NGXF=    48 NGYF=   48 NGZF=   48\n"
        "   NELECT =     72.0000    total number of electrons\n"
        "  average (electrostatic) potential at core\n"
        "  the test charge radii are     0.9757  0.7215\n"
        "  (the norm of the test charge is              1.0000)\n"
        f"{body}\n\n E-fermi :   0.7000     XC(G=0):  -9.2 alpha+bet : -8.1\n"
    )


def write_run(
    folder: Path, *args: Any, potentials: Any, zipped: bool = False, **kwargs: Any
) -> None:
    """A folder with vasprun.xml and OUTCAR, gzipped or not."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "vasprun.xml": vasprun(*args, **kwargs),
        "OUTCAR": outcar(potentials),
    }.items():
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / name).write_text(text, encoding="utf-8")
