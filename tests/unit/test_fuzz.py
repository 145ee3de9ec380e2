"""Damaged and hostile files: a result or an error of ours, never a traceback, a hang or a file.

``make test-fuzz`` runs 10,000 cases of each; the test suite a few.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from fuzzing import damaged, fuzz, names_in, no_hang
from hypothesis import given
from hypothesis import strategies as st

from defectra.core.config import Config, config_model, load
from defectra.core.errors import ConfigError, EngineError, StructureError
from defectra.engines.feff import run as feff
from defectra.structures.io import read_structure

ROOT = Path(__file__).resolve().parents[2]
FEFF = ROOT / "tests" / "data" / "feff_lco"
NAMES = ["POSCAR", "a b;'\"é\n.cif", "x.cif", "x.vasp", "x.xyz", "$(touch y).xsf", "CONTCAR@3"]

# --- FEFF -----------------------------------------------------------------------------------


@fuzz
@given(xmu=damaged((FEFF / "xmu.dat").read_text()), log=damaged((FEFF / "log1.dat").read_text()))
def test_feff_output(xmu: str, log: str) -> None:
    files = {"xmu.dat": xmu.encode("utf-8", "replace"), "log1.dat": log.encode("utf-8", "replace")}
    with no_hang():
        try:
            found = feff.parse(files)
        except EngineError:
            return
    assert np.isfinite([*found.energy, *found.mu, *found.mu0, found.edge, found.edge_step]).all()
    assert (np.diff(found.energy) > 0).all()


# --- structure files ------------------------------------------------------------------------

POSCAR = """a title
1.0
4.2 0.0 0.0
0.0 4.2 0.0
0.0 0.0 4.2
Li O
1 1
direct
0.0 0.0 0.0
0.5 0.5 0.5
"""
CIF = """data_LiO
_symmetry_space_group_name_H-M 'P 1'
_cell_length_a 4.2
_cell_length_b 4.2
_cell_length_c 4.2
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.0 0.0 0.0 1
O1 O 0.5 0.5 0.5 1
"""
XYZ = """2
Lattice="4.2 0.0 0.0 0.0 4.2 0.0 0.0 0.0 4.2" Properties=species:S:1:pos:R:3 pbc="T T T"
Li 0.0 0.0 0.0
O 2.1 2.1 2.1
"""


@pytest.mark.filterwarnings("ignore")
@fuzz
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_structure_file(data: st.DataObject, name: str) -> None:
    text = data.draw(damaged(data.draw(st.sampled_from([POSCAR, CIF, XYZ]))))
    with tempfile.TemporaryDirectory() as folder, no_hang():
        path = Path(folder) / name
        path.write_bytes(text.encode("utf-8", "replace"))
        message = ""
        try:
            found = read_structure(path)
        except StructureError as error:
            message = str(error)
        else:
            assert len(found) > 0
            assert np.isfinite(found.cart_coords).all()
        assert not message or name in message
        assert names_in(folder) == [name]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "text"), [("POSCAR", POSCAR), ("a.cif", CIF), ("a;b.xyz", XYZ)])
def test_whole_structure_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_structure(tmp_path / name).composition.reduced_formula in ("LiO", "Li2O2")


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["x.traj", "x.trj", "x.pkl", "x.pckl", "x.cif", "POSCAR", "x.db"])
@pytest.mark.parametrize("head", [b"", b"PickleTrajectory"])
def test_foreign_pickle_is_never_loaded(tmp_path: Path, name: str, head: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(head + pickle.dumps(Bomb(tmp_path / "bang")))
    with pytest.raises(
        StructureError,
        match=r"not a structure file|before any `data_` block|the file ends before it",
    ):
        read_structure(path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


# --- config ---------------------------------------------------------------------------------

CONFIG = (ROOT / "config" / "tiny.yaml").read_text().split("studies:", 1)[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config folder with a short protocol file, quick to read again and again."""
    out = tmp_path_factory.mktemp("config")
    (out / "protocols").mkdir()
    (out / "protocols" / "feff.yaml").write_text("fast: {}\nbalanced: {}\n")
    (out / "protocols" / "chgnet.yaml").write_text("chgnet: {}\n")
    return out


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=6), st.integers()), inner, max_size=3),
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [*config_model().model_fields, *config_model().model_fields["nmc"].annotation.model_fields]
)


@fuzz
@given(text=damaged("studies:" + CONFIG))
def test_config_file(folder: Path, text: str) -> None:
    path = folder / "config.yaml"
    path.write_bytes(text.encode("utf-8", "replace"))
    message = "config.yaml"
    with no_hang():
        try:
            assert isinstance(load(path), Config)
        except ConfigError as error:
            message = str(error)
    assert "config.yaml" in message or "feff.yaml" in message
    assert names_in(folder) == ["config.yaml", "protocols"]


@fuzz
@given(user=st.dictionaries(KEYS, VALUES, max_size=4), deep=st.booleans())
def test_config_values(folder: Path, user: dict[str, object], deep: bool) -> None:
    (folder / "config.yaml").write_text("seed: 1\n")
    message = "none"
    with no_hang():
        try:
            assert isinstance(load(folder / "config.yaml", {"nmc": user} if deep else user), Config)
        except ConfigError as error:
            message = str(error)
    assert message


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nnmc: [*b, *b]",
        "[" * 5000,
        "seed: " + "9" * 5000,
        "seed: 2001-99-99",
        "? {a: 1}\n: 2",
        "seed: !!python/object/apply:os.mkdir [bang]",
        "\0",
    ],
    ids=["aliases", "deep", "digits", "date", "key", "object", "nul"],
)
def test_hostile_yaml_is_one_error(folder: Path, text: str) -> None:
    (folder / "config.yaml").write_text(text)
    with no_hang(), pytest.raises(ConfigError, match=r"config\.yaml"):
        load(folder / "config.yaml")
    assert names_in(folder) == ["config.yaml", "protocols"]
