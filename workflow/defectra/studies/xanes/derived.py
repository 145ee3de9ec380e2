"""Files of the registry made from what a source has: forests as arrays, a printed spectrum.

Each function takes the downloaded file and writes the registered one; its content is compared with
the registry afterwards.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.pickle_listing import Noted, listed
from defectra.core.store import replacing, write_bytes

# Of a node of scikit-learn's trees, in a regressor and in a classifier.
_NODE = {"left_child": "left", "right_child": "right", "feature": "feature",
         "threshold": "threshold", "weighted_n_node_samples": "n"}  # fmt: skip
_PLAIN_TYPES = {"i8", "f8", "i4", "f4", "u1", "b1"}


def forest(source: Path, file: Path) -> None:
    """Trees of a pickled scikit-learn forest as arrays; the pickle is listed, never run.

    Raises
    ------
    DataError
        If it is no such forest.
    """
    model = listed(source.read_bytes(), source.name)
    try:
        trees = [tree.state["tree_"] for tree in model.state["estimators_"]]
        nodes = [array_of(tree.state["nodes"]) for tree in trees]
        values = [array_of(tree.state["values"])[:, 0, :] for tree in trees]
        classes = model.state.get("classes_")
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise DataError(f"{source.name}: no forest of scikit-learn ({error})") from None
    out: dict[str, Any] = {
        "offsets": np.cumsum([0, *map(len, nodes)]),
        **{ours: np.concatenate([n[name] for n in nodes]) for name, ours in _NODE.items()},
        "value": np.concatenate(values),
        "classes": np.zeros(0) if classes is None else array_of(classes),
    }
    with replacing(file) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **out)


def array_of(note: Noted) -> NDArray[Any]:
    """An array that a pickle would have made: plain numbers, or records of them.

    Raises
    ------
    ValueError
        If its type is another one.
    """
    _, shape, kind, fortran, data = note.state
    flat = np.frombuffer(data, type_of(kind))
    return flat.reshape(shape, order="F" if fortran else "C")


def type_of(note: Noted) -> np.dtype[Any]:
    """Type of an array that a pickle would have made; else as :func:`array_of`."""
    names, fields = note.state[3], note.state[4]
    if names is None:
        if note.arguments[0] not in _PLAIN_TYPES:
            raise ValueError(f"numbers of type {note.arguments[0]!r}")
        return np.dtype(note.state[1] + note.arguments[0])
    kinds = [type_of(fields[n][0]) for n in names]
    offsets = [int(fields[n][1]) for n in names]
    size = int(note.arguments[0].removeprefix("V"))
    return np.dtype({"names": list(names), "formats": kinds, "offsets": offsets, "itemsize": size})


_RECORD = "print(i_comp)"  # the cell of the notebook, and how many numbers it prints
_COUNT = 100
_SAID = (
    "HailiJia/CECAM_ML_for_XAS_tutorial@1f22e27 notebook output: nmc_vasp_xas.json record 438 "
    "(Li10 Mn2 Co2 Ni6 O20), energy=linspace(8330,8370,100)"
)


def printed_spectrum(source: Path, file: Path) -> None:
    """Computed spectrum that a notebook prints, as JSON with its origin.

    Raises
    ------
    DataError
        If no cell prints it.
    """
    try:
        cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if "".join(cell["source"]).strip() == _RECORD:
                text = "".join(part for out in cell["outputs"] for part in out.get("text", ()))
                numbers = [float(word) for word in re.findall(r"[-+.\deE]+", text)]
                if len(numbers) == _COUNT:
                    text = json.dumps({"source": _SAID, "intensity": numbers})
                    write_bytes(file, text.encode())
                    return
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{source.name}: no notebook ({error})") from None
    raise DataError(f"{source.name}: no cell {_RECORD} with {_COUNT} numbers")
