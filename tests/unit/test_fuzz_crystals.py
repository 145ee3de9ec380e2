"""Meaning of crystals: generated crystals in random dialects; none silently becomes another.

Each case draws one of the 530 settings of the space groups with general and special positions, and
writes the crystal as a CIF or POSCAR of some dialect: operations, symbol, Hall symbol or number;
formula, formula units, volume and density; names, order and forms of all columns. What is read has
the same atoms at the same places, or the file is refused. In some files one thing is made wrong;
then something else in the file contradicts it, and they are to be refused.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import fuzz
from hypothesis import assume, given
from hypothesis import strategies as st
from pymatgen.core import Element, Lattice, Structure

from defectra.core.errors import StructureError, StructureWarning
from defectra.structures import space_groups
from defectra.structures.io import read_structure

ELEMENTS = ("Li", "Co", "O", "Fe", "C", "Ca", "H", "S", "Si", "N", "Ni", "Pb", "U")
SPECIAL = (0.0, 0.5, 0.25, 0.125)
METRICS = (
    (21, 26, 31, 82, 97, 105), (21, 26, 31, 90, 107, 90), (21, 26, 31, 90, 90, 107),
    (21, 26, 31, 107, 90, 90), (21, 26, 31, 90, 90, 90), (25, 25, 31, 90, 90, 90),
    (25, 25, 39, 90, 90, 120), (29, 29, 29, 72, 72, 72), (39, 39, 39, 90, 90, 90),
)  # fmt: skip
GRAMS = 1.66053907
Crystal = tuple[Lattice, list[str], np.ndarray]


def lattice_for(setting: space_groups.Setting) -> Lattice:
    """The least symmetric of the cells above that the operations keep."""
    cells = (Lattice.from_parameters(*m) for m in METRICS)
    return next(x for x in cells if space_groups.fits_cell(setting, x.matrix))


def expanded(
    setting: space_groups.Setting, lattice: Lattice, sites: list[tuple[str, np.ndarray]]
) -> Crystal | None:
    """All atoms of a cell; None if two are nearer than 2.6 Å."""
    names: list[str] = []
    coords: list[np.ndarray] = []
    for element, site in sites:
        images = (setting.rotations @ site + setting.translations) % 1.0
        kept: list[np.ndarray] = []
        for image in images:
            delta = np.array(kept).reshape(-1, 3) - image
            if (
                not (np.abs(delta - np.round(delta)).max(axis=1, initial=0) < 1e-4).any()
                or not kept
            ):
                kept.append(image)
        names += [element] * len(kept)
        coords += kept
    out = np.array(coords)
    distance = lattice.get_all_distances(out, out) + 9 * np.eye(len(out))
    return (lattice, names, out) if distance.min() > 2.6 and len(out) < 300 else None


@st.composite
def crystals(draw: st.DrawFn) -> tuple[space_groups.Setting, list[tuple[str, np.ndarray]], Crystal]:
    setting = space_groups.setting(draw(st.integers(1, 530)))
    lattice = lattice_for(setting)
    kinds = draw(st.lists(st.sampled_from(ELEMENTS), min_size=2, max_size=3, unique=True))
    general = st.tuples(*[st.integers(30, 970).map(lambda n: n / 1000)] * 3)
    special = st.tuples(*[st.sampled_from(SPECIAL)] * 3)
    sites = [(e, np.array(draw(st.one_of(special, general)))) for e in kinds]
    whole = expanded(setting, lattice, sites)
    assume(whole is not None)
    assert whole is not None
    return setting, sites, whole


# --- CIF ------------------------------------------------------------------------------------


def triplet(rotation: np.ndarray, shift: np.ndarray, style: int) -> str:
    terms = []
    for row, value in zip(rotation, shift):
        parts = [("+" if c > 0 else "-") + a for a, c in zip("xyz", row) if c]
        text = "".join(parts)
        text = text.removeprefix("+") if style != 1 else text
        n = round(float(value) * 24) % 24
        common = math.gcd(n, 24)
        part = f"{n // common}/{24 // common}" if style < 3 else f"{n / 24:.6f}"
        if n:
            text = (
                f"{text}+{part}" if style % 2 else f"{part}{'' if text[0] in '+-' else '+'}{text}"
            )
        terms.append(text.upper() if style == 2 else text)
    return (", " if style == 1 else ",").join(terms)


def amounts(names: list[str]) -> dict[str, int]:
    return {e: names.count(e) for e in dict.fromkeys(names)}


def formula_text(names: list[str], style: str) -> str:
    have = amounts(names)
    common = math.gcd(*have.values()) if style != "cell" else 1
    words = [f"{e}{'' if n == common else n // common}" for e, n in sorted(have.items())]
    return "'" + ("" if style == "glued" else ", " if style == "commas" else " ").join(words) + "'"


@st.composite
def cif_files(draw: st.DrawFn) -> tuple[str, Crystal, str]:
    """A text, the crystal, and what in it was made wrong that the rest contradicts, if anything."""
    setting, sites, whole = draw(crystals())
    lattice, names, coords = whole
    wrong = draw(st.sampled_from(["", "", "", "site", "operation", "volume", "symbol", "number"]))
    way = draw(st.sampled_from(["listed", "symbol", "hall", "all atoms"]))
    style = draw(st.sampled_from(["reduced", "cell", "glued", "commas"]))
    has_z = draw(st.booleans()) or wrong in ("operation", "number", "symbol")
    modern = draw(st.booleans())
    prefix = "_space_group_symop_operation_xyz" if modern else "_symmetry_equiv_pos_as_xyz"
    symbol = "_space_group_name_H-M_alt" if modern else "_symmetry_space_group_name_H-M"
    hall = "_space_group_name_Hall" if modern else "_symmetry_space_group_name_Hall"
    number = "_space_group_IT_number" if modern else "_symmetry_Int_Tables_number"
    lines = ["data_made", f"_chemical_formula_sum {formula_text(names, style)}"]
    if has_z:
        common = math.gcd(*amounts(names).values())
        lines.append(f"_cell_formula_units_Z {common}")
    volume = lattice.volume * (1.1 if wrong == "volume" else 1.0)
    if draw(st.booleans()) or wrong == "volume":
        lines.append(f"_cell_volume {volume:.2f}")
    if draw(st.booleans()):
        mass = sum(float(Element(e).atomic_mass) for e in names)
        lines.append(f"_exptl_crystal_density_diffrn {GRAMS * mass / lattice.volume:.4f}")
    digits = draw(st.sampled_from(["", "(3)"]))
    lines += [f"_cell_length_{a} {v:.5f}{digits}" for a, v in zip("abc", lattice.abc)]
    angles = zip(("alpha", "beta", "gamma"), lattice.angles)
    lines += [f"_cell_angle_{a} {v:.4f}" for a, v in angles]
    listed = list(sites)
    if way == "all atoms":
        listed = list(zip(names, coords))
        lines.append(f"{symbol} 'P 1'")
    elif way == "listed":
        operations = [
            triplet(r, t, draw(st.integers(0, 3)))
            for r, t in zip(setting.rotations, setting.translations)
        ]
        if draw(st.booleans()) or wrong == "number":
            given_number = setting.number if wrong != "number" else setting.number % 230 + 1
            lines.append(f"{number} {given_number}")
        operations = draw(st.permutations(operations)) if len(operations) < 9 else operations
        if wrong == "operation":
            operations = operations[: max(1, len(operations) // 2)]
        lines += ["loop_", prefix, *(f"'{o}'" for o in operations)]
    elif way == "hall":
        lines.append(f"{hall} '{space_groups._types()[setting.hall].hall_symbol}'")
    else:
        own = setting.symbol + (f":{setting.choice}" if setting.choice else "")
        own = "P 1" if wrong == "symbol" else own
        lines.append(f"{symbol} '{own}'")
    if wrong == "site":
        listed = listed[:-1]
    changed = {
        "": False, "site": True, "volume": True,
        "operation": way == "listed" and len(setting.rotations) > 1,
        "symbol": way == "symbol" and len(names) > len(sites),
        "number": way == "listed",
    }[wrong]  # fmt: skip
    return "\n".join([*lines, *atom_loop(draw, listed)]) + "\n", whole, wrong if changed else ""


def atom_loop(draw: st.DrawFn, listed: list[tuple[str, np.ndarray]]) -> list[str]:
    charge = draw(st.sampled_from(["", "2+", "+2", "0+"]))
    occupancy = draw(st.sampled_from(["1", "1.0", "1.0000", "."]))
    fields: dict[str, Any] = {
        "label": [f"{e}{k}" for k, (e, _) in enumerate(listed, 1)],
        "type_symbol": [e + charge for e, _ in listed],
        "occupancy": [occupancy] * len(listed),
        "U_iso_or_equiv": ["0.0123(4)"] * len(listed),
        "adp_type": ["Uiso"] * len(listed),
        "thermal_displace_type": ["?"] * len(listed),
    }
    for k, axis in enumerate("xyz"):
        fields[f"fract_{axis}"] = [f"{c[k]:.6f}" for _, c in listed]
    wanted = ["label", "type_symbol", "fract_x", "fract_y", "fract_z"]
    extra = draw(st.lists(st.sampled_from(sorted({*fields} - {*wanted})), unique=True))
    order = draw(st.permutations([*wanted, *extra]))
    rows = [" ".join(fields[n][k] for n in order) for k in range(len(listed))]
    return ["loop_", *(f"_atom_site_{n}" for n in order), *rows]


def read(name: str, data: bytes, folder: Path) -> tuple[Structure | str, bool]:
    path = folder / name
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found: Structure | str = read_structure(path)
        except StructureError as error:
            found = str(error)
    return found, any(w.category is StructureWarning for w in said)


def is_same(found: Structure, whole: Crystal) -> bool:
    """Same cell, and each atom of the one within 0.02 Å of one of the same element of the other."""
    lattice, names, coords = whole
    if not np.allclose(found.lattice.parameters, lattice.parameters, atol=2e-3):
        return False
    if sorted(s.specie.symbol for s in found) != sorted(names):
        return False
    distance = lattice.get_all_distances(found.frac_coords, coords)
    apart = np.array([[s.specie.symbol != e for e in names] for s in found])
    return bool(np.where(apart, 9.0, distance).min(axis=1).max() < 0.02)


@fuzz
@given(case=cif_files(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_a_cif_is_read_as_it_was_meant_or_refused(case, encoding, tmp_path_factory):
    text, whole, wrong = case
    found, _ = read("a.cif", text.encode(encoding), tmp_path_factory.getbasetemp())
    if wrong == "operation" and not isinstance(found, str):
        # Half of the operations may be a group that gives the same atoms, on special positions.
        assert is_same(found, whole), text
    elif wrong:
        assert isinstance(found, str), text
    elif isinstance(found, str):
        # A symbol alone may be of several settings; nothing else is a reason.
        assert "different crystals" in found, (found, text)
    else:
        assert is_same(found, whole), text


# --- POSCAR ---------------------------------------------------------------------------------


@st.composite
def poscar_files(draw: st.DrawFn) -> tuple[str, Crystal, bool]:
    """A text, the crystal, and whether it is to be refused."""
    _, _, (lattice, names, coords) = draw(crystals())
    order = draw(st.permutations(list(dict.fromkeys(names))))
    rows = [(e, c) for e in order for n, c in zip(names, coords) if n == e]
    wrong = draw(st.sampled_from(["", "", "", "no names", "count", "exchanged", "mode", "twice"]))
    scale = draw(st.sampled_from(["1.0", "2", "volume", "three", "1.0D+00"]))
    factor = (
        np.array([2.0, 1.0, 0.5]) if scale == "three" else np.full(3, 2.0 if scale == "2" else 1.0)
    )
    written = {"volume": f"{-lattice.volume:.8f}", "three": "2.0 1.0 0.5"}.get(scale, scale)
    cartesian = draw(st.booleans())
    points = np.array([c for _, c in rows])
    if cartesian:
        points = points @ lattice.matrix / factor
    selective, velocities, ends = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    shown = [e for e, _ in rows]
    if wrong == "exchanged":
        shown, ends = [*shown[1:], shown[0]], True
    label = draw(st.sampled_from(["{e}", "{e}{k}", "! {e}"]))
    lines = [draw(st.sampled_from([" ".join(reversed(order)), "made", "", "Ni O"])), written]
    lines += [" ".join(f"{v:.10f}" for v in row) for row in lattice.matrix / factor]
    counts = [sum(e == n for n, _ in rows) for e in order]
    counts[0] += wrong == "count"
    named = [e + draw(st.sampled_from(["", "_pv", "_sv/5e0f28cc"])) for e in order]
    lines += [] if wrong == "no names" else [" ".join(named)]
    lines += ["  ".join(map(str, counts))]
    lines += ["Selective dynamics"] if selective else []
    modes = ("Cartesian", "cart", "K") if cartesian else ("Direct", "direct", "d")
    lines += [] if wrong == "mode" else [draw(st.sampled_from(modes))]
    ends = ends and wrong != "no names"
    for k, (e, p) in enumerate(zip(shown, points)):
        words = [f"{v:.12f}" for v in p] + (["T", "T", "F"] if selective else [])
        lines.append(" ".join([*words, label.format(e=e, k=k)] if ends else words))
    lines += ["", *["0.0 0.0 0.0"] * len(rows)] if velocities else []
    lines += lines if wrong == "twice" else []
    refused = bool(wrong) and not (wrong == "exchanged" and len(set(shown)) == 1)
    return "\n".join(lines) + "\n", (lattice, names, coords), refused


@fuzz
@given(case=poscar_files(), ending=st.sampled_from(["\n", "\r\n"]))
def test_a_poscar_is_read_as_it_was_meant_or_refused(case, ending, tmp_path_factory):
    text, whole, wrong = case
    data = text.replace("\n", ending).encode()
    found, _ = read("POSCAR", data, tmp_path_factory.getbasetemp())
    if wrong:
        assert isinstance(found, str), text
    else:
        assert not isinstance(found, str), (found, text)
        assert is_same(found, whole), text
