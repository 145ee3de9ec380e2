"""Meaning of columns: generated beamline files with known columns; none is silently read wrong.

Each case draws columns, their order, names, units, separators, decimal sign, header and encoding.
A file is read with the energies and the absorption that were put in, or refused with a reason.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st
from in_one_call import read_file

from defectra.spectra import measured_formats as formats
from defectra.spectra.measured_columns import choice
from defectra.spectra.measured_spectrum import Measured, SpectrumError, cleaned

ENERGY = np.round(np.concatenate([np.arange(8230, 8320, 10.0), np.arange(8320, 8400, 2.0)]), 3)
X = ENERGY - 8345.0
MU = np.round(0.3 + 0.8 * (0.5 + np.arctan(X / 1.5) / np.pi) + 0.001 * np.sin(X), 6)
I0 = np.round(1e5 + 300 * np.cos(X / 11), 3)
PARTS = {
    "mu": MU,
    "i0": I0,
    "it": np.round(I0 * np.exp(-MU), 3),
    "if": np.round(I0 * 0.1 * MU, 4),
    "ref": np.round(I0 * np.exp(-2.2 * MU[::-1]), 3),
    "time": np.full(len(X), 1.5),
    "current": np.round(180 - 0.01 * np.arange(len(X)), 3),
    "roi": np.round(500 + 40 * np.sin(X / 5), 3),
}
NAMES = {
    "energy": (
        *("energy", "Energy", "E", "ENERGY", "Mono Energy", "energy_readback", "Energie"),
        *("energy_enc", "Energy:fbk", "qexafs_energy"),
    ),
    "mu": ("mu", "xmu", "mu(E)", "Absorption", "absorbance", "mu_trans", "µ"),
    "i0": ("I0", "i0", "Io", "I_0", "monitor"),
    "it": ("It", "itrans", "I1", "I_t", "ITRANS"),
    "if": ("If", "ifluor", "Ifluo", "fluorescence", "I_f"),
    "ref": ("Iref", "irefer", "I2", "mu_ref"),
    "time": ("time", "sec", "dwell", "Seconds"),
    "current": ("ring_current", "SRcurrent", "current"),
    "roi": ("ROI1", "Ca_Ka", "vortex", "sdd2"),
}
UNITS = {"i0": ("", "(counts)", "[cts]"), "it": ("", "(counts)"), "if": ("", "(counts)")}
SEPARATORS = (" ", "   ", "\t", ",", ";", ", ")
HEADERS = ("#", "# ", "", "#L ", "% ", "!", "dashes", "numbered", "title", "none", "one short",
           "one a line")  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> dict[str, object]:
    """What a file holds and how it is written."""
    parts = draw(st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=6, unique=True))
    return {
        "order": draw(st.permutations(["energy", *parts])),
        "names": {p: draw(st.sampled_from(NAMES[p])) for p in ("energy", *parts)},
        "units": {p: draw(st.sampled_from(UNITS.get(p, ("",)))) for p in parts},
        "kev": draw(st.booleans()),
        "tell_unit": draw(st.booleans()),
        "separator": draw(st.sampled_from(SEPARATORS)),
        "comma": draw(st.booleans()),
        "header": draw(st.sampled_from(HEADERS)),
        "encoding": draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252"))),
        "end": draw(st.sampled_from(("\n", "\r\n", "\r"))),
        "exponent": draw(st.sampled_from(("f", "e", "D"))),
        "inverted": draw(st.booleans()),
        "minus": draw(st.sampled_from("-\u2212")),
        "twice": draw(st.integers(0, 9)) == 0,
    }


def number(value: float, case: dict[str, object]) -> str:
    text = f"{value:.9e}" if case["exponent"] != "f" else f"{value:.7f}"
    text = text.replace("e", "D") if case["exponent"] == "D" else text
    if case["encoding"] != "cp1252":
        text = text.replace("-", str(case["minus"]))
    return text.replace(".", ",") if decimal_comma(case) else text


def decimal_comma(case: dict[str, object]) -> bool:
    return bool(case["comma"]) and "," not in str(case["separator"])


def text_of(case: dict[str, object]) -> str:
    scale = 1000.0 if case["kev"] else 1.0
    columns = {"energy": ENERGY / scale, **PARTS}
    if case["inverted"]:  # the amplifiers of all detectors
        columns |= {k: -columns[k] for k in ("i0", "it", "if", "ref")}
    order = list(case["order"])  # type: ignore[call-overload]
    separator = str(case["separator"])
    names = []
    for part in order:
        name = case["names"][part]  # type: ignore[index]
        unit = case["units"].get(part, "")  # type: ignore[attr-defined]
        if part == "energy" and (case["tell_unit"] or case["kev"]):
            unit = "(keV)" if case["kev"] else "(eV)"
        names.append(f"{name} {unit}".strip())
    between = separator if separator.strip() or separator == "\t" else "   "
    line = between.join(names[:-1] if case["header"] == "one short" else names)
    head = {
        "dashes": [f"# {'-' * 30}", line],
        "numbered": [f"# Column.{k}: {n}" for k, n in enumerate(names, 1)],
        "title": ["# Ni foil at room temperature"],
        "none": [],
        "one short": [f"# {line}"],
        "one a line": ["Data:", *names],
    }.get(str(case["header"]), [f"{case['header']}{line}"])
    rows = list(zip(*(columns[p] for p in order)))
    body = [separator.join(number(v, case) for v in row) for row in rows]
    return str(case["end"]).join([*head, *body, *(body if case["twice"] else [])]) + str(
        case["end"]
    )


def right_answers(case: dict[str, object]) -> list[np.ndarray]:
    has = set(case["order"])  # type: ignore[call-overload]
    out = [MU] if "mu" in has else []
    out += [np.log(PARTS["i0"] / PARTS["it"])] if {"i0", "it"} <= has else []
    return out + ([PARTS["if"] / PARTS["i0"]] if {"i0", "if"} <= has else [])


def is_right(found: Measured, case: dict[str, object]) -> bool:
    flat = cleaned(found)
    if flat.energy.shape != ENERGY.shape or not np.allclose(flat.energy, ENERGY, atol=2e-3):
        return False
    return any(np.allclose(flat.mu, mu, atol=2e-5, rtol=1e-5) for mu in right_answers(case))


def read(case: dict[str, object], folder: Path) -> list[Measured] | str:
    path = folder / "scan.dat"
    path.write_bytes(text_of(case).encode(str(case["encoding"])))
    try:
        found = formats.read_scans(path)
        for one in found:
            cleaned(one)
    except SpectrumError as error:
        return str(error)
    return found


@fuzz
@given(case=cases())
def test_no_column_is_silently_read_wrong(case, tmp_path_factory):
    found = read(case, tmp_path_factory.getbasetemp())
    named = case["header"] not in ("title", "none", "one short")
    if isinstance(found, str):
        assert found
        assert not (named and right_answers(case)), (found, text_of(case)[:300])
        return
    assert len(found) == (2 if case["twice"] else 1)
    for one in found:
        reported = any("no names" in n for n in one.notes)
        assert reported != named, text_of(case)[:300]
        if named:
            assert is_right(one, case), (one.notes, text_of(case)[:300])
        else:  # two columns without names: energies first, and it is said what is assumed
            assert len(case["order"]) == 2
            assert case["order"][0] == "energy" or not named


@pytest.mark.parametrize("order", list(itertools.permutations(["energy", "i0", "it", "time"])))
def test_columns_without_names_can_be_chosen(tmp_path, order):
    columns = {"energy": ENERGY, **PARTS}
    path = tmp_path / "a.dat"
    np.savetxt(path, np.column_stack([columns[p] for p in order]), fmt="%.6f")
    with pytest.raises(SpectrumError, match=r"no names; columns: 1 .*--columns energy=1"):
        read_file(path)
    column = {p: k for k, p in enumerate(order, 1)}
    chosen = choice([f"energy={column['energy']}", f"mu=ln(col{column['i0']}/col{column['it']})"])
    found = read_file(path, chosen)
    np.testing.assert_allclose(found.energy, ENERGY)
    np.testing.assert_allclose(found.mu, MU, atol=1e-6)
