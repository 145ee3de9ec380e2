"""Files of two-dimensional data: numpy, Matlab, HDF5, TIFF and PNG, Gatan, text.

Matlab writes up to version 7.2 its own format, and from 7.3 on HDF5 with the axes turned round.
Nothing that is pickled is read, and no link to another file is followed.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core import npz
from defectra.core.errors import DataError, EngineError, LibraryError
from defectra.core.textfiles import MOST, read_text
from defectra.images.text_numbers import splitter

Array = NDArray[Any]
LARGEST = 2_000_000_000  # bytes
HDF5 = b"\x89HDF\r\n\x1a\n"
POINTER = "version https://git-lfs"
NUMBERS = "biufc"  # kinds of numpy types
_BYTES = {
    "int8": 1, "uint8": 1, "logical": 1, "char": 4, "int16": 2, "uint16": 2, "int32": 4,
    "uint32": 4, "single": 4,
}  # fmt: skip  # of a number of Matlab's classes; the others: 8
_CHANNEL = {"1": 1, "L": 1, "P": 4, "I;16": 2}  # bytes of a pixel by mode of Pillow
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TEXTS = (b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # UTF-16, packed


@dataclass(frozen=True)
class Found:
    """One array of a file.

    Attributes
    ----------
    name
        As the file calls it; empty if it holds one without a name.
    values
        As they are.
    pixel, pixel_unit
        Size along each axis, and its unit; None: not stated.
    notes
        What is to be known of it.
    lossy
        Whether the format changes values.
    """

    name: str
    values: Array
    pixel: tuple[float, ...] | None = None
    pixel_unit: str = ""
    notes: tuple[str, ...] = ()
    lossy: bool = False


def arrays_of(path: Path) -> list[Found]:
    """Numeric arrays of a file, known by its first bytes.

    Raises
    ------
    DataError
        If the file is missing, too large, damaged, pickled, or of no known format.
    LibraryError
        If a library that reads it is not installed.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(520)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not size:
        raise DataError(f"{path}: the file is empty")
    if size > LARGEST:
        raise DataError(f"{path}: {size / 1e9:.1f} GB; at most {LARGEST / 1e9:.0f} GB are read")
    name, read = _reader(head, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(path)
    except (DataError, LibraryError):
        raise
    except Exception as error:  # each of these libraries raises its own for what is damaged
        text = " ".join(str(error).replace(str(path), path.name).split())[:120]
        raise DataError(f"{path}: {name}: damaged, or not one ({text})") from None


def _reader(head: bytes, path: Path) -> tuple[str, Callable[[Path], list[Found]]]:
    """Name of the format, and what reads it."""
    suffix = path.suffix.lower()
    known = (
        (head.startswith(b"\x93NUMPY"), "numpy array", read_npy),
        (head.startswith(b"PK\x03\x04"), "npz", read_npz),
        (HDF5 in (head[:8], head[512:520]), "HDF5", read_hdf5),
        (head.startswith(b"MATLAB") or suffix == ".mat", "Matlab file", read_matlab),
        (head.startswith(_PICTURES), "image", read_picture),
        (suffix in (".dm3", ".dm4"), "Gatan file", read_gatan),
    )
    for fits, name, read in known:
        if fits:
            return name, read
    if head[:1] == b"\x80" and suffix in ("", ".pkl", ".pickle", ".npy", ".pt"):
        raise DataError(f"{path}: a pickle; it could run code and is not read: np.save it anew")
    if b"\0" in head and not head.startswith(_TEXTS):
        raise DataError(
            f"{path}: of no known format; npy, npz, tif, png, mat, h5, dm3, dm4, csv and txt are"
        )
    return "text", read_numbers


def read_npy(path: Path) -> list[Found]:
    """An array of numpy."""
    try:
        values = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise DataError(f"{path}: {_why_no_npy(error)}") from None
    if values.dtype.kind not in NUMBERS:
        raise DataError(f"{path}: values of type {values.dtype}; save them as numbers")
    return [Found("", values)]


def _why_no_npy(error: ValueError) -> str:
    if "pickle" in str(error) or "Object" in str(error):
        return (
            "holds pickled objects, which could run code and are not read: save the numbers alone, "
            "np.save(name, array.astype(float))"
        )
    return f"numpy: damaged ({error})"


def read_npz(path: Path) -> list[Found]:
    """Arrays of numpy by name."""
    found = [Found(name, values) for name, values in npz.read_npz(path, LARGEST).items()]
    return [f for f in found if f.values.dtype.kind in NUMBERS]


def _check_size(path: Path, unpacked: float) -> None:
    """Refuse what is small on the disk, but not in memory."""
    if unpacked > LARGEST:
        raise DataError(
            f"{path}: {path.stat().st_size:,} bytes, unpacked {unpacked:,.0f}; at most "
            f"{LARGEST:,} are read"
        )


def read_matlab(path: Path) -> list[Found]:
    """Variables of a Matlab file up to version 7.2."""
    from scipy.io import loadmat, whosmat

    known = whosmat(path)
    _check_size(path, sum(math.prod(shape) * _BYTES.get(kind, 8) for _, shape, kind in known))
    found = loadmat(path, mat_dtype=False, struct_as_record=True)
    plain = ((name, value) for name, value in found.items() if not name.startswith("__"))
    return [Found(name, value) for name, value in plain if _numeric(value)]


def read_hdf5(path: Path) -> list[Found]:
    """Datasets of numbers; of Matlab 7.3 with the axes in the order in which Matlab shows them."""
    import h5py

    with path.open("rb") as handle:
        turned = handle.read(10).startswith(b"MATLAB 7.3")
    with h5py.File(path, "r", locking=False) as file:
        datasets = list(_datasets(file, ""))
        _check_size(path, sum(item.nbytes for _, item in datasets))
        found = [(name, np.asarray(item[()])) for name, item in datasets]
    return [Found(name, value.T if turned else value) for name, value in found]


def _datasets(group: Any, where: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink) or name == "#refs#":
            continue
        item = group[name]
        if isinstance(item, h5py.Group) and depth < 8:
            yield from _datasets(item, f"{where}{name}/", depth + 1)
        elif isinstance(item, h5py.Dataset) and _plain(item):
            yield f"{where}{name}", item


def _plain(item: Any) -> bool:
    there = not (item.is_virtual or item.external or item.size is None)
    return there and item.dtype.kind in NUMBERS and item.ndim >= 2


def _numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS and value.ndim >= 2


def read_picture(path: Path) -> list[Found]:
    """Pages of a TIFF, PNG, BMP or JPEG."""
    from PIL import Image

    with Image.open(path, formats=("PNG", "TIFF", "BMP", "JPEG")) as picture:
        lossy = picture.format == "JPEG"
        notes = ("a JPEG: its values are not those that were measured",) if lossy else ()
        pages: list[Array] = []
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            own = math.prod(picture.size) * _CHANNEL.get(picture.mode, 4)
            _check_size(path, sum(page.nbytes for page in pages) + own)
            pages.append(_grey(path, picture))
    shapes = {page.shape for page in pages}
    if len(shapes) > 1:
        raise DataError(f"{path}: its {len(pages)} pages have different sizes; save one of them")
    values = pages[0] if len(pages) == 1 else np.stack(pages)
    return [Found("", values, notes=notes, lossy=lossy)]


def _grey(path: Path, picture: Any) -> Array:
    """Values of a page; colours and transparency are refused, as they are no intensity."""
    if picture.mode in ("P", "PA", "CMYK", "YCbCr"):
        picture = picture.convert("RGBA" if picture.mode == "PA" else "RGB")
    values = np.asarray(picture)
    if values.ndim == 2:
        return values
    if picture.mode in ("LA", "RGBA"):
        if (values[..., -1] != 255).any():
            raise DataError(f"{path}: partly transparent; save it without transparency")
        values = values[..., :-1]
    if any((values[..., 0] != values[..., k]).any() for k in range(1, values.shape[-1])):
        raise DataError(
            f"{path}: coloured, and colours are no intensity; export the data in grey, or as "
            f"tif, npy or csv"
        )
    return np.asarray(values[..., 0])


def read_gatan(path: Path) -> list[Found]:
    """Images of a Gatan file, with their pixel size.

    Raises
    ------
    LibraryError
        Without rosettasciio.
    """
    try:
        reader = importlib.import_module("rsciio.digitalmicrograph")
    except ImportError:
        raise LibraryError(
            f"{path}: Gatan files need rosettasciio: `make instruments` (or `make measured`), or "
            f"export the image as tif"
        ) from None
    return [_signal(signal) for signal in reader.file_reader(str(path))]


def _signal(signal: Mapping[str, Any]) -> Found:
    axes = signal["axes"]
    units = {str(axis.get("units") or "") for axis in axes}
    title = str(signal.get("metadata", {}).get("General", {}).get("title", ""))
    known = len(units) == 1 and units != {""}
    pixel = tuple(float(axis["scale"]) for axis in axes) if known else None
    return Found(title, np.asarray(signal["data"]), pixel, units.pop() if known else "")


def read_numbers(path: Path) -> list[Found]:
    """A matrix of numbers as text; lines that begin with #, % or ! are passed over.

    Raises
    ------
    DataError
        If a line holds something else, lines have different lengths, or a comma may mean two
        things.
    """
    try:
        text = read_text(path, most=min(MOST, LARGEST))
    except EngineError as error:
        raise DataError(f"{path}: {error}") from None
    if text.startswith(POINTER):
        raise DataError(f"{path}: a pointer of Git LFS, not the data: `git lfs pull` fetches them")
    numbered = enumerate(text.splitlines(), 1)
    lines = [(n, s) for n, line in numbered if (s := line.strip()) and s[0] not in "#%!"]
    if not lines:
        raise DataError(f"{path}: no numbers")
    split = splitter(path, [line for _, line in lines])
    notes: tuple[str, ...] = ()
    if not _is_row(split(lines[0][1])) and len(lines) > 1:
        notes = (f"line {lines[0][0]} was taken as a heading",)
        lines = lines[1:]
    rows = [_row(path, number, split(line)) for number, line in lines]
    for (number, _), row in zip(lines, rows):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{path}: line {number} has {len(row)} numbers, line {lines[0][0]} has "
                f"{len(rows[0])}"
            )
    return [Found("", np.array(rows), notes=notes)]


def _is_row(words: list[str]) -> bool:
    try:
        return bool([float(w) for w in words if w.strip()])
    except ValueError:
        return False


def _row(path: Path, number: int, words: list[str]) -> list[float]:
    try:
        return [float(w) if w.strip() else float("nan") for w in words]
    except ValueError:
        raise DataError(
            f"{path}: line {number}: {' '.join(words)[:40]!r} is no row of numbers; an image as "
            f"text is a matrix of numbers, a row a line"
        ) from None
