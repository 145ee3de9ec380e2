"""Small packs of large contents are refused before they fill the memory, and never cut silently."""

import bz2
import gzip
import hashlib
import lzma

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from defectra.core import textfiles
from defectra.core.errors import DataError, EngineError, StructureError
from defectra.core.npz import read_npz
from defectra.engines.finished import importing
from defectra.images import formats
from defectra.learn.saved import load
from defectra.spectra import measured_formats
from defectra.spectra.measured_spectrum import SpectrumError
from defectra.structures import io

ZEROS = np.zeros((400, 500))  # 1.6 MB; packed some kB


def hdf5(path):
    with h5py.File(path, "w") as file:
        for name in "ab":
            file.create_dataset(name, data=ZEROS, compression="gzip")


def pages(path):
    one = Image.fromarray(ZEROS.astype(np.uint8))
    one.save(path, save_all=True, append_images=[one] * 9, compression="tiff_deflate")


PACKS = {
    "a.npz": lambda p: np.savez_compressed(p, a=ZEROS, b=ZEROS),
    "a.mat": lambda p: savemat(p, {"a": ZEROS, "b": ZEROS}, do_compression=True),
    "a.h5": hdf5,
    "a.tif": pages,
    "a.csv": lambda p: p.write_bytes(gzip.compress(b"0 0 0 0\n" * 200_000)),
}


@pytest.mark.parametrize("name", PACKS)
def test_arrays_of_a_pack_are_counted_before_it_is_unpacked(tmp_path, monkeypatch, name):
    path = tmp_path / name
    PACKS[name](path)
    assert path.stat().st_size < 200_000
    assert formats.arrays_of(path)
    monkeypatch.setattr(formats, "LARGEST", 1_500_000)
    with pytest.raises(DataError, match=rf"{name}.* bytes, unpacked .*1,500,000"):
        formats.arrays_of(path)


def test_a_model_that_is_a_bomb(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    np.savez_compressed(path, about=np.array("{}"), a=ZEROS)
    with pytest.raises(DataError, match=r"model\.npz: [\d,]+ bytes, unpacked 1,6.*at most 1,000"):
        read_npz(path, 1000)
    monkeypatch.setattr(read_npz, "__defaults__", (1000,))
    with pytest.raises(DataError, match="at most 1,000"):
        load(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_text_above_the_bound_is_an_error_and_a_head_is_none(tmp_path, pack):
    path = tmp_path / "OUTCAR"
    path.write_bytes(pack(b"0123456789" * 1000))
    assert textfiles.read_text(path, most=10_000) == "0123456789" * 1000
    assert textfiles.read_text(path, 15) == "012345678901234"
    with pytest.raises(EngineError, match=r"OUTCAR: [\d,]+ bytes, unpacked over 9,999") as error:
        textfiles.read_text(path, most=9_999)
    assert error.value.error_class == "too_large"
    assert b"".join(textfiles.blocks(path, 700)) == b"0123456789" * 1000


def test_a_structure_and_a_spectrum_are_not_cut_off(tmp_path, monkeypatch):
    """Both were read up to a bound, and the rest was dropped without a word."""
    poscar = "Si\n1\n4 0 0\n0 4 0\n0 0 4\nSi\n2\nDirect\n0 0 0\n.5 .5 .5\n" + " \n" * 50_000
    path = tmp_path / "POSCAR.gz"
    path.write_bytes(gzip.compress(poscar.encode()))
    assert len(io.read_structure(path)) == 2
    monkeypatch.setattr(io, "LARGEST", 50_000)
    with pytest.raises(StructureError, match="unpacked over 50,000"):
        io.read_structure(path)
    scan = tmp_path / "scan.dat.gz"
    scan.write_bytes(gzip.compress(b"".join(b"%d 1.0\n" % k for k in range(9000))))
    monkeypatch.setattr(measured_formats, "LARGEST", 50_000)
    with pytest.raises(SpectrumError, match="unpacked over 50,000"):
        measured_formats.read_scans(scan)


def test_files_are_hashed_in_parts(tmp_path, monkeypatch):
    class Outputs:
        identity, inputs = "", {}

    path = tmp_path / "out.gz"
    path.write_bytes(gzip.compress(b"x" * 3_000_000))
    monkeypatch.setattr(textfiles, "read_bytes", None)
    wanted = hashlib.sha256(b"x" * 6_000_000).hexdigest()
    assert importing._calculation_id(Outputs(), (path, path)) == wanted
