"""NeXus entries of X-ray absorption (application definitions NXxas, NXxasproc, NXxas_trans …).

An NXxas entry holds the energies of the monochromator, counts of ``incoming_beam`` and counts of
``absorbed_beam``; what the latter are (transmitted light, fluorescence, an electron yield) stands
in the field ``mode``, which not every program writes. Without it nothing is guessed: some programs
keep the finished absorption under the same name. Definitions: manual.nexusformat.org.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.measured_spectrum import SpectrumError

Floats = NDArray[np.float64]
_ENTRIES = ("NXentry", "NXsubentry", "NXprocess")
_MODES = {  # what `mode` says, and the name under which `absorbed_beam` is then read
    "transmission": "It",
    "fluorescence": "If",
    "fluorescence yield": "If",
    "total fluorescence yield": "If",
    "partial fluorescence yield": "If",
    "tfy": "If",
    "pfy": "If",
    "total electron yield": "TEY",
    "partial electron yield": "TEY",
    "auger electron yield": "TEY",
    "tey": "TEY",
}
_FINISHED = ("NXxasproc", "NXxas_trans", "NXxas_tfy", "NXxas_pfy", "NXxas_tey", "NXxas_pey")
_DEEPEST = 6


def is_entry(group: Any) -> bool:
    """Whether a group is an entry of one of the definitions of X-ray absorption."""
    return _class(group) in _ENTRIES and definition(group).startswith("NXxas")


def definition(group: Any) -> str:
    """Application definition that an entry says it follows; empty without."""
    return text(group["definition"]) if "definition" in group else ""


def text(item: Any) -> str:
    """Text of a scalar dataset; empty if it is none, or holds no text."""
    kind = getattr(getattr(item, "dtype", None), "kind", "")
    if kind not in ("O", "S", "U") or item.size != 1:
        return ""
    value = np.asarray(item[()]).ravel()[0]
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()


def by_mode(arrays: dict[str, Floats], modes: set[str]) -> dict[str, Floats]:
    """Arrays with `absorbed_beam` under the name of what its mode says that it is.

    Raises
    ------
    SpectrumError
        If two different modes are given.
    """
    said = {_MODES[m.lower()] for m in modes if m.lower() in _MODES}
    if len(said) > 1:
        raise SpectrumError(f"NXxas: modes {' and '.join(sorted(modes))}: which is absorbed_beam?")
    if not said or "absorbed_beam" not in arrays:
        return arrays
    new = {"absorbed_beam": said.pop(), "incoming_beam": "I0"}
    return {new.get(name, name): values for name, values in arrays.items()}


def entry(h5py: ModuleType, group: Any) -> tuple[dict[str, Floats], dict[str, str]]:
    """Arrays of an entry and its words (element, edge, title); `absorbed_beam` named by its mode.

    Raises
    ------
    SpectrumError
        If a name stands for two different arrays, or for a stack of spectra.
    """
    arrays: dict[str, Floats] = {}
    words: dict[str, str] = {}
    modes: set[str] = set()
    finished = definition(group) in _FINISHED
    for path, item in _datasets(h5py, group, ()):
        name = path[-1] if path[-1] not in ("data", "name", "value") else "/".join(path[-2:])
        key = _KEYS.get(name, "mu" if finished and (name in _MU or path == ("intensity",)) else "")
        if key in ("element", "edge", "title"):
            words.setdefault(key, text(item))
        elif key == "mode":
            modes.add(text(item))
        elif key:
            _add(arrays, key, item)
    return by_mode(arrays, modes), {k: v for k, v in words.items() if v}


_KEYS = {
    "energy": "energy", "energy/data": "energy", "energy/value": "energy",
    "incoming_beam": "incoming_beam", "incoming_beam/data": "incoming_beam",
    "absorbed_beam": "absorbed_beam", "absorbed_beam/data": "absorbed_beam",
    "mode": "mode", "element": "element", "element/name": "element", "edge": "edge",
    "edge/name": "edge", "title": "title", "sample/name": "title",
}  # fmt: skip
_MU = ("data/data", "intensity", "data/intensity")


def _add(arrays: dict[str, Floats], key: str, item: Any) -> None:
    """Keep one-dimensional numbers; links to the same numbers count once."""
    if item.dtype.kind not in "fiu" or item.is_virtual or item.external or item.size < 2:
        return
    if item.ndim > 1:
        shape = " x ".join(map(str, item.shape))
        raise SpectrumError(f"{key} is a stack of {shape} values: write one spectrum an entry")
    values = np.asarray(item[()], np.float64)
    unit = item.attrs.get("units", "")
    unit = unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)
    name = f"{key} ({unit})" if key == "energy" and unit else key
    same = [n for n in arrays if n.split(" (")[0] == key]
    if same and not np.array_equal(arrays[same[0]], values):
        raise SpectrumError(f"the entry has two different arrays {key}: leave one of them")
    if not same or " (" in name:
        arrays.pop(same[0] if same else "", None)
        arrays[name] = values


def _datasets(
    h5py: ModuleType, group: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Datasets of an entry with their paths; entries inside it and links outside are left out."""
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink) or name not in group:
            continue
        item = group[name]
        if isinstance(item, h5py.Dataset):
            yield (*path, name), item
        elif len(path) < _DEEPEST and _class(item) not in _ENTRIES:
            yield from _datasets(h5py, item, (*path, name))


def _class(group: Any) -> str:
    value = group.attrs.get("NX_class", "")
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
