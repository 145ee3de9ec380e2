"""Binary formats: NeXus and other HDF5 through h5py, Gatan dm3 and dm4 through rosettasciio.

Both libraries come with the extra ``measured``; without it the message names format and extra.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.spectra import measured_nexus
from defectra.spectra.column_names import ENERGIES, column
from defectra.spectra.loss_factor import BEAM, COLLECTION
from defectra.spectra.measured_columns import Choice, measured
from defectra.spectra.measured_spectrum import LEAST, Measured, SpectrumError
from defectra.spectra.measured_text import kind_of
from defectra.spectra.scan_parts import parted

Floats = NDArray[np.float64]
LONGEST = 2_000_000  # values; no spectrum is longer
DEEPEST = 12


def read(path: Path, data: bytes, chosen: Choice | None = None) -> list[Measured] | None:
    """Spectra of a binary file; None if it is none that is known.

    Parameters
    ----------
    chosen
        Datasets of HDF5 that the user chose, by name.

    Raises
    ------
    SpectrumError
        If the library is missing, or the file holds no spectrum.
    """
    kind, _ = kind_of(data)
    if kind == "HDF5":
        return read_hdf5(path, chosen)
    suffix = path.name.lower().removesuffix(".gz")[-4:]
    if kind.startswith("Gatan") or suffix in (".dm3", ".dm4"):
        if chosen:
            raise SpectrumError("this format names its data: it has no columns to choose")
        return read_gatan(path, kind or f"Gatan {suffix[1:]}")
    return None


def library(name: str, what: str) -> ModuleType:
    """A library of the extra ``measured``.

    Raises
    ------
    SpectrumError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SpectrumError(
            f"{what}: {name.partition('.')[0]} is needed to read it; "
            "pip install 'defectra[measured]', or export the spectrum as text"
        ) from None


def read_hdf5(path: Path, chosen: Choice | None = None) -> list[Measured]:
    """Spectra of an HDF5 file: entries of NXxas, groups whose datasets are named as absorption.

    Links to other files are not followed.

    Raises
    ------
    SpectrumError
        If the library is missing, the file is damaged, or no group names an absorption.
    """
    h5py = library("h5py", "NeXus or other HDF5")
    try:
        with h5py.File(path, "r") as handle:
            groups = list(_groups(h5py, handle, ""))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SpectrumError(f"HDF5: damaged: {' '.join(str(error).split())[:80]}") from None
    out, why = [], []
    for where, columns, words in groups:
        try:
            if isinstance(columns, SpectrumError):
                raise columns
            out += parted(from_arrays(where, columns, words, chosen), where)
        except SpectrumError as error:
            why.append((f"{where or '/'}: {error}", isinstance(columns, dict) and len(columns) < 2))
    if not out:
        raise SpectrumError(
            "HDF5: " + ("; ".join(w for w, _ in why[:3]) or "no group with a column of energies")
        )
    more = "; ".join(text for text, axis_alone in why if not axis_alone)
    left = (f"not read: {more[:300]}",) if more else ()
    return [replace(m, notes=(*m.notes, *left)) for m in out]


def from_arrays(
    where: str,
    columns: Mapping[str, Floats],
    words: Mapping[str, str],
    chosen: Choice | None = None,
) -> Measured:
    """A spectrum of the named arrays of one group; those as long as the energies count.

    Raises
    ------
    SpectrumError
        If their names do not say which is which.
    """
    axes = [n for n in columns if column(n).role in ENERGIES]
    length = max((len(columns[n]) for n in axes), default=0)
    names = [n for n, v in columns.items() if len(v) == length]
    if length < LEAST:
        raise SpectrumError("no column of energies")
    found = measured(np.column_stack([columns[n] for n in names]), names, chosen, {})
    meta = {**words, **found.meta}
    return Measured(
        found.energy, found.mu, found.kind, words.get("element", "").capitalize(),
        words.get("edge", "").upper(), meta, found.notes, where,
    )  # fmt: skip


def _groups(
    h5py: ModuleType, group: Any, where: str, depth: int = 0
) -> Iterator[tuple[str, dict[str, Floats] | SpectrumError, dict[str, str]]]:
    """Every group with a column of energies, its one-dimensional numbers and short texts."""
    if measured_nexus.is_entry(group):
        try:
            found, said = measured_nexus.entry(h5py, group)
            yield where, found, said
        except SpectrumError as error:
            yield where, error, {}
        return
    arrays: dict[str, Floats] = {}
    words: dict[str, str] = {}
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink) or name not in group:
            continue
        item = group[name]
        if isinstance(item, h5py.Group):
            if isinstance(link, h5py.HardLink) and depth < DEEPEST:
                yield from _groups(h5py, item, f"{where}/{name}", depth + 1)
        elif isinstance(item, h5py.Dataset):
            _take(item, name, arrays, words)
    if any(column(n).role in ENERGIES for n in arrays):
        yield where, measured_nexus.by_mode(arrays, {words.pop("mode", "")}), words


def _take(item: Any, name: str, arrays: dict[str, Floats], words: dict[str, str]) -> None:
    if item.is_virtual or item.external or item.size is None or item.size > LONGEST:
        return
    if item.dtype.kind in "fiu" and item.ndim == 1:
        unit = item.attrs.get("units", "")
        unit = unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)
        arrays[f"{name} ({unit})" if unit and column(name).role in ENERGIES else name] = np.asarray(
            item[()], np.float64
        )
    elif name in ("element", "edge", "mode"):
        words[name] = measured_nexus.text(item)


def read_gatan(path: Path, kind: str) -> list[Measured]:
    """Energy-loss spectra of a Gatan file.

    Raises
    ------
    SpectrumError
        If the library is missing, the file is damaged, or it holds images only.
    """
    reader = library("rsciio.digitalmicrograph", kind)
    try:
        signals = reader.file_reader(str(path))
    except Exception as error:  # the parsers of others raise whatever comes
        text = " ".join(str(error).split())[:80]
        raise SpectrumError(f"{kind}: damaged, or none: {text}; export it as msa") from None
    return from_signals(signals, kind)


def from_signals(signals: list[dict[str, Any]], kind: str) -> list[Measured]:
    """Energy-loss spectra among the signals that rosettasciio read.

    Raises
    ------
    SpectrumError
        If there is none; what the file holds instead is named.
    """
    out, others = [], []
    for signal in signals:
        axes, data = signal["axes"], np.asarray(signal["data"])
        shape = " x ".join(map(str, data.shape))
        unit = str(axes[0].get("units", "")) if axes else ""
        signal_type = signal.get("metadata", {}).get("Signal", {}).get("signal_type", "")
        plain = data.ndim == 1 and data.dtype.kind in "fiu"
        if not plain or unit.lower() not in ("ev", "kev") or signal_type not in ("", "EELS"):
            others.append(f"{signal_type or 'data'} of {shape} in {unit or 'no unit'}")
            continue
        channels = np.arange(len(data), dtype=np.float64)
        energy = float(axes[0]["offset"]) + float(axes[0]["scale"]) * channels
        title = str(signal.get("metadata", {}).get("General", {}).get("title", ""))
        meta = {"energy unit": unit, "title": title, **_geometry(signal)}
        out.append(Measured(energy, data.astype(np.float64), "counts", meta=meta, label=title))
    if not out:
        raise SpectrumError(
            f"{kind}: no energy-loss spectrum, but {'; '.join(others) or 'nothing'}"
        )
    return out


def _geometry(signal: Mapping[str, Any]) -> dict[str, str]:
    """Beam energy and collection angle, in the units and places of rosettasciio."""
    microscope = signal.get("metadata", {}).get("Acquisition_instrument", {}).get("TEM", {})
    loss = microscope.get("Detector", {}).get("EELS", {})
    return {
        BEAM: str(microscope.get("beam_energy", "")),
        COLLECTION: str(loss.get("collection_angle", "")),
    }
