"""Patterns and images: every format gives the same numbers; what is no image is refused."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pytest
from PIL import Image as Picture
from scipy.io import savemat

from defectra.core.errors import DataError
from defectra.images.measured import read_counts_image, read_image

VALUES = np.random.default_rng(0).integers(0, 200, (9, 12))


def write_mat73(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file["pattern"] = VALUES.T.astype(float)  # Matlab keeps columns first
    with path.open("r+b") as handle:
        handle.write(b"MATLAB 7.3 MAT-file")


def write_h5(path):
    with h5py.File(path, "w") as file:
        file["entry/data"] = VALUES
        file["entry/x"] = np.arange(12.0)
        file["away"] = h5py.ExternalLink("/etc/hostname", "x")


def text(separator, decimal="."):
    def write(path):
        lines = (separator.join(f"{v}.5".replace(".", decimal) for v in row) for row in VALUES)
        path.write_text("# counts\n" + "\n".join(lines) + "\n")

    return write


FORMATS = {
    "a.npy": lambda p: np.save(p, VALUES),
    "a.npz": lambda p: np.savez(p, image=VALUES, scale=np.array(2.0)),
    "v5.mat": lambda p: savemat(p, {"pattern": VALUES, "name": "x"}),
    "v73.mat": write_mat73,
    "a.h5": write_h5,
    "u8.png": lambda p: Picture.fromarray(VALUES.astype(np.uint8)).save(p),
    "u16.png": lambda p: Picture.fromarray(VALUES.astype(np.uint16)).save(p),
    "u16.tif": lambda p: Picture.fromarray(VALUES.astype(np.uint16)).save(p),
    "f32.tif": lambda p: Picture.fromarray(VALUES.astype(np.float32)).save(p),
    "rgb.png": lambda p: Picture.fromarray(VALUES.astype(np.uint8)).convert("RGB").save(p),
}
TEXTS = {"c.csv": text(","), "t.txt": text("\t"), "b.txt": text("  "), "s.csv": text(";", ","),
         "d.txt": text("\t", ",")}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_numbers(tmp_path, name) -> None:
    FORMATS[name](tmp_path / name)
    image = read_image(tmp_path / name)
    np.testing.assert_array_equal(image.values, VALUES)
    assert image.values.dtype == np.float64
    assert image.notes == ()


@pytest.mark.parametrize("name", TEXTS)
def test_text_with_any_separator(tmp_path, name) -> None:
    TEXTS[name](tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name).values, VALUES + 0.5)


def rows_of(values, separator, form="d"):
    return "\n".join(separator.join(f"{v:{form}}" for v in row) for row in values) + "\n"


COUNTS = np.random.default_rng(1).poisson(3, (16, 32)) ** 2
WHOLE = {
    "counts.csv": rows_of(COUNTS, ","),
    "blanks.csv": rows_of(COUNTS * 40, ", "),
    "fixed.csv": rows_of(COUNTS * 5, ",", "4d"),
    "mask.csv": rows_of(COUNTS > 9, ","),
    "padded.csv": rows_of(COUNTS, ",", "04d"),
    "tabs.txt": rows_of(COUNTS, "\t"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_stay_as_they_are(tmp_path, name) -> None:
    (tmp_path / name).write_text(WHOLE[name])
    scale = {"blanks.csv": 40, "fixed.csv": 5}.get(name, 1)
    want = COUNTS > 9 if name == "mask.csv" else COUNTS * scale
    np.testing.assert_array_equal(read_image(tmp_path / name).values, want)


def bad(change):
    def write(path):
        values = VALUES.astype(float)
        change(values)
        np.save(path, values)

    return write


def coloured(path):
    Picture.fromarray(np.stack([VALUES, VALUES + 1, VALUES], -1).astype(np.uint8)).save(path)


def cut(path):
    Picture.fromarray(np.arange(90000, dtype=np.float32).reshape(300, 300)).save(path)
    path.write_bytes(path.read_bytes()[:1000])


REFUSED = {
    "none.npy": (lambda p: None, "cannot be read"),
    "empty.csv": (lambda p: p.write_bytes(b""), "empty"),
    "nan.npy": (bad(lambda v: v.__setitem__((3, 4), np.nan)), "row 3, column 4"),
    "inf.npy": (bad(lambda v: v.__setitem__((0, 0), np.inf)), "not finite"),
    "flat.npy": (lambda p: np.save(p, np.ones((9, 9))), "every value is 1"),
    "object.npy": (lambda p: np.save(p, np.array([[{}] * 9] * 9)), "pickled"),
    "object.npz": (lambda p: np.savez(p, a=np.array([[{}] * 9] * 9)), "pickled"),
    "p.pkl": (lambda p: p.write_bytes(pickle.dumps(VALUES)), "pickle"),
    "curve.npy": (lambda p: np.save(p, np.arange(20.0)), "no array"),
    "table.npy": (lambda p: np.save(p, np.arange(40.0).reshape(20, 2)), "defectra look"),
    "stack.npy": (lambda p: np.save(p, np.stack([VALUES] * 3)), "3 images: choose"),
    "four.npy": (lambda p: np.save(p, np.zeros((2, 3, 9, 9))), "not one image"),
    "complex.npy": (lambda p: np.save(p, VALUES * 1j), "complex"),
    "two.npz": (lambda p: np.savez(p, a=VALUES, b=VALUES), "several arrays; choose of a 9 x 12"),
    "rgb.png": (coloured, "coloured"),
    "cut.tif": (cut, "damaged"),
    "cut.mat": (lambda p: p.write_bytes(b"MATLAB 5.0 MAT-file" + b" " * 200), "damaged"),
    "ragged.csv": (lambda p: p.write_text("1,2,3\n4,5\n"), "line 2 has 2 numbers"),
    "words.csv": (lambda p: p.write_text("1,2\n3,four\n5,6\n"), "line 2"),
    "hole.csv": (lambda p: p.write_text("1,2,3,4,5,6,7,8\n" * 8 + "1,,3,4,5,6,7,8\n"), "row 8"),
    "first.csv": (lambda p: p.write_text("1,,3,4,5,6,7,8\n" + "1,2,3,4,5,6,7,8\n" * 8), "row 0"),
    "either.txt": (lambda p: p.write_text("1,5 2,5\n3,5 4,5\n"), "decimal commas"),
    "thousands.txt": (lambda p: p.write_text("999\t1,234\t12,500\n" * 8), "thousands or decimals"),
    "thousands.csv": (
        lambda p: p.write_text("999, 1,234, 12,500\n1,234, 12,500, 999\n" * 8),
        "two numbers",
    ),
    "thousands2.csv": (lambda p: p.write_text("999, 1,234, 12,500\n" * 8), "two numbers"),
    "all.txt": (lambda p: p.write_text("9,124\t1,234\n" * 8), "thousands or decimals"),
    "points.txt": (lambda p: p.write_text("9,1\t1.2\n" * 8), "commas and points"),
    "points2.txt": (lambda p: p.write_text("1,234.5\t1,200.5\n1.5\t2.5\n"), "commas and points"),
    "first.txt": (lambda p: p.write_text("1,5 2,5\n" * 8 + "3 4\n"), "decimal commas"),
    "millions.txt": (lambda p: p.write_text("1,234,567;1,5\n" * 8), "several commas"),
    "pairs.csv": (text(",", ","), "or 12 with decimal commas"),
    "pairs2.csv": (
        lambda p: p.write_text("".join(",".join(f"{v},05" for v in r) + "\n" for r in VALUES)),
        "decimal commas",
    ),
    "digits.csv": (
        lambda p: p.write_text(
            "".join(",".join(f"{v % 10},{v % 7}" for v in r[:8]) + "\n" for r in VALUES[:8])
        ),
        "or 8 with decimal commas",
    ),
    "other.bin": (lambda p: p.write_bytes(bytes(range(256)) * 4), "no known format"),
    "none.dm3": (lambda p: p.write_bytes(b"\0\0\0\x03" + b"\0" * 90), "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused_with_the_reason(tmp_path, name) -> None:
    write, words = REFUSED[name]
    if name.endswith(".dm3"):
        pytest.importorskip("rsciio")
    write(tmp_path / name)
    with pytest.raises(DataError, match=words) as caught:
        read_image(tmp_path / name)
    assert name in str(caught.value)


def test_negative_counts_and_saturation_are_told(tmp_path) -> None:
    np.save(tmp_path / "n.npy", VALUES - 5.0)
    (note,) = read_image(tmp_path / "n.npy").notes
    assert f"{(VALUES < 5).sum()} values are negative, down to {VALUES.min() - 5.0:g}" in note
    full = VALUES.astype(np.uint8)
    full[:3] = 255
    np.save(tmp_path / "s.npy", full)
    assert "33.3 %" in read_image(tmp_path / "s.npy").notes[0]


def test_values_that_are_no_counts_of_a_detector_are_refused(tmp_path) -> None:
    """A mask, a JPEG, and counts that were scaled to, clipped by or wrapped round their type."""
    np.save(tmp_path / "mask.npy", VALUES > 100)
    with pytest.raises(DataError, match="a mask"):
        read_image(tmp_path / "mask.npy")
    large = VALUES * 3
    eight = {
        "scaled": np.round(large * 255 / large.max()),
        "clipped": np.minimum(large, 255),
        "wrapped": large % 256,
    }
    for name, values in eight.items():
        Picture.fromarray(values.astype(np.uint8)).save(tmp_path / f"{name}.png")
        assert read_image(tmp_path / f"{name}.png").altered
        with pytest.raises(DataError, match="the end of type uint8"):
            read_counts_image(tmp_path / f"{name}.png")
    Picture.fromarray(VALUES.astype(np.uint8)).save(tmp_path / "lossy.jpg")
    with pytest.raises(DataError, match="a JPEG"):
        read_counts_image(tmp_path / "lossy.jpg")
    np.save(tmp_path / "counts.npy", VALUES.astype(np.uint8))
    assert read_counts_image(tmp_path / "counts.npy").values.max() == VALUES.max()


def test_one_of_several_is_chosen(tmp_path) -> None:
    np.savez(tmp_path / "two.npz", a=VALUES, b=VALUES + 1)
    np.testing.assert_array_equal(read_image(tmp_path / "two.npz", "b").values, VALUES + 1)
    with pytest.raises(DataError, match="no array c"):
        read_image(tmp_path / "two.npz", "c")
    np.save(tmp_path / "s.npy", np.stack([VALUES, VALUES + 1]))
    np.testing.assert_array_equal(read_image(tmp_path / "s.npy", number=1).values, VALUES + 1)
    with pytest.raises(DataError, match="no image 2"):
        read_image(tmp_path / "s.npy", number=2)


def test_measured_files_of_the_mirror(mirror) -> None:
    speckle = read_image(mirror / "imaging/xray_speckle/Beads_2.0.mat")
    assert speckle.values.shape == (513, 513)
    assert speckle.name == "pattern_data"
    pytest.importorskip("rsciio")
    folder = mirror / "imaging/ingrained/CdTe_110_CdTe_110_tilt"
    image = read_image(folder / "HAADF149.dm3")
    assert (image.values.shape, image.pixel_unit) == ((512, 512), "nm")
    assert image.pixel == pytest.approx((0.016388, 0.016388), abs=1e-6)
