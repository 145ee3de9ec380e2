"""Hybrid energy of a state with a hole: GPAW counts occupied bands, so they have to lie first."""

from __future__ import annotations

import importlib
import json
import subprocess
import types

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.engines.gpaw import run as gpaw

CARBON_MONOXIDE = """
import json, sys
sys.path.insert(0, {programs!r})
import emitter, numpy as np
from ase.build import molecule
from gpaw.new.pw.hybrids import non_self_consistent_hybrid_xc_energy as hybrid_of
atoms = molecule("CO", cell=[6, 6, 7], pbc=True); atoms.center()
job = dict(lattice=atoms.cell.ravel().tolist(), species=list(atoms.symbols), charge=0, moment=0,
           coords=atoms.get_scaled_positions().ravel().tolist(), moments=[0, 0],
           settings=dict(cutoff=300, xc="PBE", hybrid="HSE06", empty_bands=4, smearing=0.01,
                         mixing=0.1, iterations=200, energy=1e-5, density=1e-4, eigenstates=1e-5))
found = []
for hole in (0.0, 2e-4):  # so small an occupation counts as one: GPAW takes all bands itself
    state = emitter.State(job, job["coords"], 0)
    state.solve()
    numbers = np.zeros((2, state.calc.get_number_of_bands())); numbers[:, :5] = 1
    numbers[0, 4], numbers[0, 5] = hole, 1 - hole
    state.excite(numbers.tolist()); state.solve()
    plain = float(hybrid_of(state.calc.dft, "HSE06", log=None).sum())
    found.append((plain, emitter.Transition(job, None)._hybrid(state)["hybrid_eV"]))
    found.append([w.occ_n.tolist() for w in state.calc.dft.ibzwfs])
print(json.dumps(found))
"""


@pytest.fixture
def emitter(monkeypatch):
    monkeypatch.syspath_prepend(str(gpaw.PROGRAMS))
    return importlib.import_module("emitter")


def bands(occupations: list[float]) -> types.SimpleNamespace:
    """Bands of one spin: everything of band n is n."""
    n = np.arange(float(len(occupations)))
    return types.SimpleNamespace(
        occ_n=np.array(occupations),
        eig_n=n.copy(),
        psit_nX=types.SimpleNamespace(data=np.outer(n, np.ones(3))),
        P_ani={0: np.outer(n, np.ones(2)), 1: np.outer(n, np.ones(4))},
    )


@pytest.mark.parametrize("occupations", [[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0.5, 1, 0, 1]])
def test_occupied_bands_come_first_and_everything_moves_with_them(emitter, occupations):
    wfs = bands(occupations)
    order = emitter.occupied_first(wfs)
    assert list(wfs.occ_n) == sorted(occupations, reverse=True)
    moved = [wfs.eig_n, wfs.psit_nX.data[:, 0], *(p[:, 0] for p in wfs.P_ani.values())]
    assert all(list(values) == list(order) for values in moved)
    emitter.reorder(wfs, np.argsort(order))
    assert list(wfs.occ_n) == occupations
    assert list(wfs.eig_n) == [0, 1, 2, 3]


def test_the_excited_electron_of_carbon_monoxide_takes_part_in_exchange(tmp_path):
    try:
        python = gpaw.program()
    except EngineError as error:
        pytest.skip(str(error))
    (tmp_path / "co.py").write_text(CARBON_MONOXIDE.format(programs=str(gpaw.PROGRAMS)))
    said = subprocess.run(
        [python, "co.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    (plain, ours), occupied, (plain_all, ours_all), _ = json.loads(said.stdout.splitlines()[-1])
    assert occupied[0][4:6] == [0, 1], "a state with a hole, in its own order again"
    assert ours_all == pytest.approx(plain_all, abs=1e-6)
    assert ours == pytest.approx(ours_all, abs=0.01), "the limit of a vanishing occupation"
    assert plain - ours > 1, "what GPAW leaves out by itself"
