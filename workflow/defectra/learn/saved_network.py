"""A trained network in one safetensors file: weights, and in its head what it is of. No pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from defectra.core.errors import DataError
from defectra.core.paths import why_no_file
from defectra.core.store import replacing
from defectra.learn.torch_library import need_torch, tensors_read, tensors_write

KIND = "defectra network 1"
_LONGEST = 10_000_000  # bytes of a head


@dataclass(frozen=True)
class About:
    """What a network is of.

    Attributes
    ----------
    study, name
        Study whose ``predict.py`` reads a user's file and asks it; which of its models.
    input_shape
        Of one sample, without the batch, e.g. (1, 65, 65).
    preprocessing
        What is done to a sample before it is read: settings of the study, plain JSON.
    architecture
        Settings from which the study builds the module.
    outputs
        Names of the classes, or of the targets.
    units
        Of each target; empty of classes.
    provenance
        Where it comes from: seed, rows, groups, calculations, scores with intervals.
    """

    study: str
    name: str
    input_shape: tuple[int, ...]
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    architecture: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


def save(path: str | Path, module: Any, about: About) -> None:
    """Keep a network, atomically."""
    need_torch()
    head = json.dumps({"kind": KIND, **asdict(about)}, sort_keys=True)
    with replacing(path) as temporary:
        tensors_write(str(temporary), dict(module.state_dict()), {"about": head})


def head_of(path: str | Path) -> About:
    """What a network is of, read without torch.

    Raises
    ------
    DataError
        If the file is no network of Defectra.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > _LONGEST:
                raise ValueError("no head")
            texts = json.loads(handle.read(length)).get("__metadata__", {})
        head = json.loads(texts["about"])
        if head.pop("kind") != KIND:
            raise ValueError("another kind")
        head = {f.name: head[f.name] for f in fields(About)}
        head |= {name: tuple(head[name]) for name in ("input_shape", "outputs", "units")}
        return About(**head)
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{path}: {why_no_file(path)}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        why = "; files of this kind may run code when they are read" if _is_pickled(path) else ""
        raise DataError(
            f"{path}: no model of Defectra, which ends in .npz or .safetensors{why}"
        ) from None


@contextmanager
def usable_head(path: str | Path) -> Iterator[None]:
    """What a study takes from the head of a model; what it does not find there is told.

    Raises
    ------
    DataError
        If settings are missing, or are none that this release knows.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # pydantic's are ValueErrors
        text = " ".join(str(error).split())[:120]
        raise DataError(
            f"{path}: its head lacks settings or has others ({text}): of another release? Train "
            f"the model anew"
        ) from None


def _is_pickled(path: Path) -> bool:
    """Whether the name is that of pickled objects."""
    return path.suffix in {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt"}


def load(
    path: str | Path, study: str, build: Callable[[About], Any], name: str = ""
) -> tuple[Any, About]:
    """A network in evaluation mode, and what it is of.

    Parameters
    ----------
    study, name
        Whose model it must be.
    build
        Makes the module from its head; the study's own function, nothing that the file names.

    Raises
    ------
    DataError
        If the file is no network, of another study, or its weights do not fit the module.
    LibraryError
        Without torch.
    """
    about = head_of(path)
    if about.study != study or (name and about.name != name):
        raise DataError(
            f"{path}: model {about.name} of study {about.study}, not "
            f"{name or 'one'} of study {study}"
        )
    need_torch()
    with usable_head(path):
        module = build(about)
    try:
        tensors, _ = tensors_read(str(path))
        module.load_state_dict(tensors)
    except Exception as error:  # safetensors and torch raise their own for what is cut or foreign
        text = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: its weights cannot be used ({text})") from None
    module.eval()
    return module, about
