"""Program that computes one optical transition of a defect: ``python emitter.py JOB RESULT``.

Steps, each kept in the result when it is done: the relaxed ground state at a fixed spin, the
excited state of one electron moved from the highest occupied to the lowest empty orbital of a spin
(occupations held by the maximum overlap method, J. Chem. Theory Comput. 17, 5034 (2021)), its
relaxation, for a closed shell the triplet there, and the ground state there. Where the zero-phonon
line needs it, the energy of a hybrid functional on the same orbitals, if the job names one. A
relaxation that was killed goes on from its last geometry. Exit: 0 done, 3 not self-consistent, else
failed, and the result says why. Energies in eV, lengths in Å, dipoles in e Å.

Job: ``lattice`` (9 numbers), ``species``, ``coords`` (fractional), ``charge`` (e), ``moment`` (µB),
``moments`` (µB, first guess), ``settings`` (xc, cutoff, hybrid, fmax, ...).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np

Json = dict[str, Any]


class State:
    """One electronic state at one geometry: a calculator of its own."""

    def __init__(self, job: Json, coords: list[float], moment: float) -> None:
        self.job, self.moment = job, moment
        self.atoms = common.atoms({**job, "coords": coords})
        guess = np.array(job["moments"], float)
        total = guess.sum()
        self.atoms.set_initial_magnetic_moments(guess * (moment / total) if total else guess)
        if moment and not total:
            self.atoms.set_initial_magnetic_moments(np.full(len(guess), moment / len(guess)))
        self.atoms.calc = _calculator(job, "gpaw.txt")

    @property
    def calc(self) -> Any:
        """Calculator of the atoms."""
        return self.atoms.calc

    def solve(self) -> float:
        """Total energy, eV."""
        return float(self.atoms.get_potential_energy())

    def excite(self, numbers: list[list[float]]) -> None:
        """Hold these occupations from here on, by overlap with the present orbitals."""
        from gpaw.mom import prepare_mom_calculation

        prepare_mom_calculation(self.calc, self.atoms, numbers)


def _calculator(job: Json, log: str) -> Any:
    from gpaw import PW, FermiDirac
    from gpaw.new.ase_interface import GPAW

    set_ = job["settings"]
    electrons = _electrons(job)
    bands = int(np.ceil((electrons + abs(job["moment"])) / 2)) + set_["empty_bands"]
    return GPAW(
        mode=PW(set_["cutoff"]),
        xc=set_["xc"],
        kpts=[1, 1, 1],
        spinpol=True,
        charge=job["charge"],
        nbands=bands,
        occupations=FermiDirac(set_["smearing"], fixmagmom=True),
        symmetry="off",
        mixer={"backend": "pulay", "beta": set_["mixing"], "nmaxold": 5, "weight": 1.0},
        convergence={
            **{key: set_[key] for key in ("energy", "density", "eigenstates")},
            "bands": bands - set_["empty_bands"] + 1,
        },
        maxiter=set_["iterations"],
        txt=log,
    )


def _electrons(job: Json) -> int:
    """Valence electrons of the cell, from the PAW sets that GPAW takes."""
    from gpaw.setup_data import SetupData

    counts = {s: SetupData(s, job["settings"]["xc"]).Nv for s in set(job["species"])}
    return round(sum(counts[s] for s in job["species"]) - job["charge"])


class Transition:
    """The steps of one job."""

    def __init__(self, job: Json, done: Callable[[str], Json]) -> None:
        self.job, self.done = job, done
        self._state: tuple[str, State] | None = None

    def tasks(self) -> list[tuple[str, Callable[[], Json]]]:
        """Names and functions of the steps, in their order."""
        found = [("ground", self.ground), ("vertical", self.vertical), ("excited", self.excited)]
        if not self.job["moment"]:
            found.append(("triplet_at_excited", self.triplet_at_excited))
        return [*found, ("ground_at_excited", self.ground_at_excited)]

    def ground(self) -> Json:
        """Relaxed ground state: energy, geometry, orbitals about the gap, dipoles."""
        state = State(self.job, self.job["coords"], self.job["moment"])
        found = _relax(state, self.job["settings"], "ground")
        self._state = ("ground", state)
        return found | orbitals(state) | self._hybrid(state)

    def vertical(self) -> Json:
        """Excited state at the geometry of the ground state."""
        state = self._at_ground()
        chosen = self.done("ground")["chosen"]
        state.excite(chosen["numbers"])
        energy = state.solve()
        self._state = ("excited", state)
        return {"energy_eV": energy, **_moment(state)}

    def excited(self) -> Json:
        """Relaxed excited state."""
        kept = common.read(Path("relax_excited.json"))
        if self._state is not None and self._state[0] == "excited":
            state = self._state[1]
        else:
            state = State(self.job, self.done("ground")["coords"], self.job["moment"])
            state.solve()
            state.excite(self.done("ground")["chosen"]["numbers"])
            state.solve()
        if kept:
            state.atoms.set_scaled_positions(np.reshape(kept["coords"], (-1, 3)))
        found = _relax(state, self.job["settings"], "excited")
        self._state = None
        return found | _moment(state) | self._hybrid(state)

    def ground_at_excited(self) -> Json:
        """Ground state at the geometry of the excited one."""
        return self._single(self.job["moment"])[1]

    def triplet_at_excited(self) -> Json:
        """Triplet at the geometry of the excited state: what is mixed into the excited one."""
        state, found = self._single(2.0)
        return found | self._hybrid(state)

    def _single(self, moment: float) -> tuple[State, Json]:
        state = State(self.job, self.done("excited")["coords"], moment)
        return state, {"energy_eV": state.solve(), **_moment(state)}

    def _at_ground(self) -> State:
        if self._state is not None and self._state[0] == "ground":
            return self._state[1]
        state = State(self.job, self.done("ground")["coords"], self.job["moment"])
        state.solve()
        return state

    def _hybrid(self, state: State) -> Json:
        """Energy of the hybrid functional on the orbitals of a state."""
        name = self.job["settings"]["hybrid"]
        if not name:
            return {}
        from gpaw.new.pw.hybrids import non_self_consistent_hybrid_xc_energy

        dft = state.calc.dft
        orders = [occupied_first(wfs) for wfs in dft.ibzwfs]
        parts = non_self_consistent_hybrid_xc_energy(dft, name, log=None)
        for wfs, order in zip(dft.ibzwfs, orders, strict=True):
            reorder(wfs, np.argsort(order))
        return {"hybrid_eV": float(parts.sum())}


def occupied_first(wfs: Any) -> np.ndarray:
    """Put the occupied bands of one spin before the empty ones; return the order that does it.

    GPAW counts the occupied bands and takes the exchange of as many from the lowest on. Of a
    state with a hole it would leave out the excited electron.
    """
    order = np.argsort(-wfs.occ_n, kind="stable")
    reorder(wfs, order)
    return order


def reorder(wfs: Any, order: np.ndarray) -> None:
    """Bands of one spin in another order: orbitals, occupations, energies, projections."""
    wfs.psit_nX.data[:] = wfs.psit_nX.data[order]
    wfs.occ_n[:] = wfs.occ_n[order]
    wfs.eig_n[:] = wfs.eig_n[order]
    for projections in wfs.P_ani.values():
        projections[:] = projections[order]


def _moment(state: State) -> Json:
    return {"moment": float(state.calc.get_magnetic_moment())}


def _relax(state: State, settings: Json, name: str) -> Json:
    """Relax a state; its geometry and the curvature are kept after each step."""
    from ase.optimize import BFGS

    kept, memory = Path(f"relax_{name}.json"), Path(f"bfgs_{name}.json")
    before = common.read(kept)
    if before:
        state.atoms.set_scaled_positions(np.reshape(before["coords"], (-1, 3)))
    optimiser = BFGS(state.atoms, logfile=f"relax_{name}.log", restart=str(memory), maxstep=0.1)
    if not before:
        optimiser.H0 = curvature(state.atoms)
    taken = int(before.get("steps", 0))

    def keep() -> None:
        coords = state.atoms.get_scaled_positions(wrap=False).ravel().tolist()
        common.write(kept, {"coords": coords, "steps": taken + optimiser.nsteps})

    optimiser.attach(keep)
    left = max(0, settings["steps"] - taken)
    settled = optimiser.run(fmax=settings["fmax"], steps=left)
    forces = np.linalg.norm(state.atoms.get_forces(), axis=1)
    return {
        "energy_eV": state.solve(),
        "coords": state.atoms.get_scaled_positions(wrap=False).round(7).ravel().tolist(),
        "fmax": float(forces.max()),
        "relaxed": bool(settled),
        "steps": taken + optimiser.nsteps,
    }


def curvature(atoms: Any, bond: float = 1.75) -> np.ndarray:
    """First guess of the second derivatives, eV/Å²: springs along and across each bond.

    Only how quickly a relaxation ends depends on it. Spring constants about those of the nearest
    neighbours in graphene (Phys. Rev. B 76, 035439 (2007)).
    """
    along, across, out = 25.0, 9.0, 6.0
    n = len(atoms)
    found = np.zeros((n, 3, n, 3))
    vectors = atoms.get_all_distances(mic=True, vector=True)
    lengths = np.linalg.norm(vectors, axis=2)
    for i, j in zip(*np.nonzero((lengths > 0.1) & (lengths < bond))):
        r = vectors[i, j] / lengths[i, j]
        k = along * np.outer(r, r) + across * (np.eye(3) - np.outer(r, r))
        k[2, 2] += out - across
        found[i, :, i] += k
        found[i, :, j] -= k
    return found.reshape(3 * n, 3 * n) + np.eye(3 * n)


def orbitals(state: State) -> Json:
    """States about the gap of each spin, the transition of the lowest gap, and its dipole."""
    calc = state.calc
    spins = []
    for spin in (0, 1):
        filled = np.asarray(calc.get_occupation_numbers(spin=spin))
        energies = np.asarray(calc.get_eigenvalues(spin=spin))
        occupied = round(float(filled.sum()))
        span = slice(max(0, occupied - 4), occupied + 3)
        spins.append(
            {
                "occupied": occupied,
                "bands": list(range(*span.indices(len(energies)))),
                "energies_eV": energies[span].round(5).tolist(),
                "occupations": filled[span].round(5).tolist(),
                "localisation": [_localisation(calc, n, spin) for n in (occupied - 1, occupied)],
                "gap_eV": float(energies[occupied] - energies[occupied - 1]),
            }
        )
    spin = min((0, 1), key=lambda s: spins[s]["gap_eV"])
    return {**_moment(state), "spins": spins, "chosen": _chosen(calc, spin, spins)}


def _chosen(calc: Any, spin: int, spins: list[Json]) -> Json:
    from gpaw.utilities.dipole import dipole_matrix_elements_from_calc

    top = spins[spin]["occupied"] - 1
    numbers = np.zeros((2, calc.get_number_of_bands()))
    for s in (0, 1):
        numbers[s, : spins[s]["occupied"]] = 1
    numbers[spin, top], numbers[spin, top + 1] = 0, 1
    dipole = dipole_matrix_elements_from_calc(calc, top, top + 2)[spin, 0, 1]
    return {"spin": spin, "from": top, "numbers": numbers.tolist(), "dipole_eA": dipole.tolist()}


def _localisation(calc: Any, band: int, spin: int, radius: float = 3.5) -> float:
    """Share of an orbital within `radius` Å in the plane of the centre of the cell."""
    wave = np.abs(np.asarray(calc.get_pseudo_wave_function(band=band, spin=spin))) ** 2
    shape, cell = wave.shape, calc.atoms.cell.array
    points = [np.arange(n) / n for n in shape[:2]]
    x, y = np.meshgrid(*points, indexing="ij")
    away = np.stack([x - 0.5, y - 0.5], axis=2) @ cell[:2]
    inside = np.linalg.norm(away, axis=2) <= radius
    return float(wave[inside].sum() / wave.sum())


def main() -> int:
    """Do what the job asks for."""
    common.die_with_parent()
    job, path = common.read(sys.argv[1]), Path(sys.argv[2])
    transition = Transition(job, lambda name: common.read(path)["steps"][name])
    return common.steps(path, transition.tasks(), {})


if __name__ == "__main__":
    sys.exit(main())
