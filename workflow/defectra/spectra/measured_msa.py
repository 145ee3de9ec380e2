"""EMSA/MAS 1.0 (.msa): electron energy loss."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.loss_factor import BEAM, COLLECTION
from defectra.spectra.measured_spectrum import Measured, SpectrumError
from defectra.spectra.measured_table import number

Floats = NDArray[np.float64]
_SIGNALS = {
    "EDS": "X-ray emission (EDS)",
    "WDS": "X-ray emission (WDS)",
    "XRF": "X-ray fluorescence",
    "AES": "Auger electrons (AES)",
    "PES": "photoelectrons (PES)",
    "CLS": "cathodoluminescence",
    "GAM": "gamma rays",
}
_UNITS = {"ev": 1.0, "kev": 1000.0, "mev": 0.001}


def read(text: str) -> Measured:
    """Energy loss in eV and counts of an EMSA file, data type XY or Y.

    Raises
    ------
    SpectrumError
        If it is no energy loss, a value is damaged, or the number of points is not NPOINTS.
    """
    words = {
        k.strip().lower(): v.strip()
        for k, v in re.findall(r"^#[ \t]*([A-Za-z]+)[ \t]*(?:-[^:\n]*)?:[ \t]*(.*)$", text, re.M)
    }
    _refuse_other_signals(words)
    scale = _scale(words)
    _, _, body = text.partition("#SPECTRUM")
    lines = body.partition("\n")[2].split("#")[0].split("\n")
    points = int(_header(words, "npoints"))
    two = words.get("datatype", "Y").upper() == "XY"
    values = _values([x for x in lines if x.strip()], points * (2 if two else 1))
    if "#ENDOFDATA" not in body or len(values) < points * (2 if two else 1):
        raise SpectrumError(
            f"msa: {len(values) // (2 if two else 1)} of {points} points: the file is cut off; "
            "copy it again"
        )
    if len(values) != points * (2 if two else 1):
        raise SpectrumError(
            f"msa: NPOINTS says {points}, there are {len(values) // (2 if two else 1)}: one of "
            "both is wrong, and with it the energies may be"
        )
    _refuse_contradictions(words)
    energy, counts = (values[::2], values[1::2]) if two else (_axis(words, points), values)
    meta = {"title": words.get("title", ""), "energy unit": "eV"}
    meta |= {BEAM: words.get("beamkv", ""), COLLECTION: words.get("collangle", "")}
    return Measured(energy * scale, counts, "counts", meta=meta, label=words.get("title", ""))


def _refuse_other_signals(words: dict[str, str]) -> None:
    signal = words.get("signaltype", "").upper()
    if signal in ("ELS", "EELS") or (not signal and _unit(words) == "ev"):
        return
    what = _SIGNALS.get(
        signal, f"signal type {signal!r}" if signal else "no SIGNALTYPE, and not eV"
    )
    raise SpectrumError(f"msa: {what}, no energy loss (SIGNALTYPE ELS)")


def _refuse_contradictions(words: dict[str, str]) -> None:
    """Refuse values that are no counts, X-ray energies, and two zeros of one axis.

    CHOFFSET is the number of channels between the first one and the zero of the axis, with either
    sign; programs that do not use it write zero.
    """
    if re.search(r"log|ln\b", words.get("yunits", ""), re.I):
        raise SpectrumError(f"msa: YUNITS {words['yunits']!r}: logarithms, no counts")
    for name in ("xlabel", "xunits"):
        if re.search(r"x-?ray|photon|emission", words.get(name, ""), re.I):
            raise SpectrumError(f"msa: {name.upper()} {words[name]!r}: no energy loss")
    channels = number(words.get("choffset", "0") or "0")
    if not channels or words.get("datatype", "Y").upper() == "XY":
        return
    first, step = _header(words, "offset"), _header(words, "xperchan")
    if abs(abs(first) - abs(channels * step)) > abs(step):
        raise SpectrumError(
            f"msa: OFFSET {first:g} and CHOFFSET {channels:g} (channels of {step:g}) put the zero "
            "of the axis in two places; correct one of them"
        )


def _scale(words: dict[str, str]) -> float:
    unit = _unit(words)
    if unit not in _UNITS:
        raise SpectrumError(f"msa: XUNITS {unit!r} is no energy (eV, keV)")
    return _UNITS[unit]


def _unit(words: dict[str, str]) -> str:
    """Unit of the axis, also behind its quantity: ``Energy Loss (eV)`` (ISO 22029:2022)."""
    text = words.get("xunits", "eV").lower()
    bracketed = re.search(r"[(\[]([^()\[\]]*)[)\]]\s*$", text)
    return (bracketed.group(1) if bracketed else text).strip()


def _header(words: dict[str, str], name: str) -> float:
    text = words.get(name, "")
    value = number(text) if "," not in text else number(text, ",")
    if value is None or not np.isfinite(value) or abs(value) > 1e9:
        raise SpectrumError(f"msa: header line {name.upper()!r} is missing or damaged")
    return value


def _axis(words: dict[str, str], points: int) -> Floats:
    first, step = _header(words, "offset"), _header(words, "xperchan")
    if not step:
        raise SpectrumError("msa: header line 'XPERCHAN' is zero")
    return first + step * np.arange(points, dtype=np.float64)


def _values(lines: list[str], wanted: int) -> Floats:
    """Numbers of the body; commas part them or are decimal, whichever gives `wanted` numbers."""
    found = []
    for decimal, between in ((".", r"[,;\s]+"), (",", r"[;\s]+|,\s|,$")):
        cells = [c for x in lines for c in re.split(between, x.strip()) if c]
        if decimal == "," and not any("," in c for c in cells):
            continue
        values = [number(c, decimal) for c in cells]
        if None not in values:
            found.append(np.array(values, np.float64))
    if not found:
        bad = next(
            (x for x in lines if not re.fullmatch(r"[-+\d.,;\seEdD]+", x)),
            lines[0] if lines else "",
        )
        raise SpectrumError(f"msa: a value is damaged: {bad.strip()[:40]!r}")
    fitting = [v for v in found if len(v) == wanted]
    return fitting[0] if fitting else found[0]
