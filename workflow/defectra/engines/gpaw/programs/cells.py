"""Program that runs one GPAW calculation: ``python cells.py JOB RESULT``.

Steps of the job are done in order; the result is written beside and renamed after each. A step that
the result holds already is not done again: with ``checkpoint`` the ground state is read back from
``scf.gpw``, too. Exit: 0 done, 3 not self-consistent, else failed, and the result says why.

Job: ``lattice`` (Å, 9 numbers), ``species``, ``coords`` (fractional), ``charge`` (e), ``moments``
(µB, or empty), ``mesh`` (3 numbers), ``settings`` (xc, cutoff, shifted, ...), ``steps`` (a list of
``{"do": ...}``), see ``engines/gpaw.py``. Energies in eV, on the axis of the calculation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np

SCAN = Path("scan.json")  # volumes of an equation of state that is not finished


class Ground:
    """The self-consistent ground state, computed when first asked for."""

    def __init__(self, job: dict, log: str) -> None:
        self.job, self.log = job, log
        self._calc: Any = None
        self._bands: Any = None

    @property
    def calc(self) -> Any:
        """Self-consistent calculator."""
        if self._calc is None:
            from gpaw.new.ase_interface import GPAW

            kept = Path("scf.gpw")
            if kept.exists():
                self._calc = GPAW(str(kept), txt=self.log)
            else:
                atoms = common.atoms(self.job)
                atoms.calc = GPAW(**parameters(self.job), txt=self.log)
                atoms.get_potential_energy()
                self._calc = atoms.calc
                if self.job["settings"].get("checkpoint"):
                    atoms.calc.write(".scf.gpw", mode="all")
                    if common.is_first():
                        Path(".scf.gpw").replace(kept)
        return self._calc

    @property
    def bands(self) -> Any:
        """Calculator on the mesh of the bands, at the self-consistent density."""
        mesh = self.job["settings"].get("band_mesh")
        if not mesh:
            return self.calc
        if self._bands is None:
            empty = self.job["settings"]["empty_bands"]
            occupied = int(np.ceil(self.calc.get_number_of_electrons() / 2))
            self._bands = self.calc.fixed_density(
                kpts={"size": mesh, "gamma": True},
                nbands=occupied + empty,
                convergence={**tolerances(self.job), "bands": occupied + max(1, empty - 2)},
                symmetry={"point_group": True},
                txt="bands.txt",
            )
        return self._bands


def tolerances(job: dict) -> dict:
    """Convergence criteria."""
    return {key: job["settings"][key] for key in ("energy", "density", "eigenstates")}


def parameters(job: dict) -> dict:
    """Keywords of the calculator."""
    from gpaw import PW, FermiDirac

    set_ = job["settings"]
    found = {
        "mode": PW(set_["cutoff"], force_complex_dtype=bool(set_.get("complex"))),
        "xc": set_["xc"],
        "kpts": {"size": job["mesh"], "gamma": not set_["shifted"]},
        "occupations": FermiDirac(set_["smearing"]),
        "convergence": tolerances(job),
        "maxiter": set_["iterations"],
        "charge": job["charge"],
        "spinpol": bool(job.get("moments")),
        **({"symmetry": {"symmorphic": False}} if set_.get("glides") else {}),
    }
    if set_.get("hubbard"):
        found["setups"] = common.hubbard(job)
    return found


def energy(ground: Ground, _: dict) -> dict:
    """Total energy (extrapolated to zero smearing), iterations, Fermi level."""
    calc = ground.calc
    dft = calc.dft
    found: dict[str, Any] = {
        "energy_eV": float(calc.get_potential_energy(calc.atoms)),
        "electrons": float(calc.get_number_of_electrons()),
        "efermi_eV": float(calc.get_fermi_level()),
        "iterations": int(getattr(dft.scf_loop, "niter", 0) or 0),
        "irreducible_points": len(dft.ibzwfs.ibz),
    }
    if ground.job.get("moments"):
        found["moment"] = float(calc.get_magnetic_moment())
        found["moments"] = [float(m) for m in calc.get_magnetic_moments()]
    return found


def forces(ground: Ground, _: dict) -> dict:
    """Forces (eV/Å) and stress (eV/Å³, Voigt order)."""
    atoms = ground.calc.atoms
    found = {"forces": ground.calc.get_forces(atoms).ravel().tolist()}
    if all(atoms.pbc):
        found["stress"] = ground.calc.get_stress(atoms).tolist()
    return found


def equation_of_state(
    ground: Ground,
    step: dict,
    kept: dict | None = None,
    keep: Callable[[dict], None] = lambda _: None,
) -> dict:
    """Energy at each linear ``scale`` of the cell.

    While the lowest one is at an end, one more beyond it, ``extra`` at most.
    """
    from gpaw.new.ase_interface import GPAW

    found = kept or {"scales": [], "energies_eV": [], "volumes": []}
    wanted = list(step["scales"])
    size = step["scales"][1] - step["scales"][0]
    while True:
        for scale in wanted:
            if any(abs(scale - s) < 1e-6 for s in found["scales"]):
                continue
            atoms = common.atoms(ground.job)
            atoms.set_cell(atoms.cell * scale, scale_atoms=True)
            atoms.calc = GPAW(**parameters(ground.job), txt=ground.log)
            found["energies_eV"].append(float(atoms.get_potential_energy()))
            found["scales"].append(float(scale))
            found["volumes"].append(float(atoms.get_volume()))
            keep(found)
        order = np.argsort(found["scales"])
        lowest = int(np.argmin(np.array(found["energies_eV"])[order]))
        if 0 < lowest < len(order) - 1 or len(order) >= len(step["scales"]) + step["extra"]:
            return found
        sign, end = (-1, 0) if lowest == 0 else (1, -1)
        wanted = [round(found["scales"][order[end]] + sign * size, 6)]


def relax(ground: Ground, step: dict) -> dict:
    """Sites, and with ``cell`` the lattice, relaxed to forces below ``fmax`` (eV/Å)."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    atoms = ground.calc.atoms.copy()
    atoms.calc = ground.calc
    what: Any = FrechetCellFilter(atoms) if step.get("cell") else atoms
    done = BFGS(what, logfile="relax.log").run(fmax=step["fmax"], steps=step["steps"])
    return {
        "relaxed": bool(done),
        "lattice": atoms.cell.array.ravel().tolist(),
        "coords": atoms.get_scaled_positions().ravel().tolist(),
        "energy_eV": float(atoms.get_potential_energy()),
        "fmax": float(np.linalg.norm(atoms.get_forces(), axis=1).max()),
    }


def potentials(ground: Ground, _: dict) -> dict:
    """Electrostatic potential: mean over the cell, and at each atom (eV).

    ``mean_eV`` is that of the smooth potential, ``correction_eV`` what the augmentation spheres add
    to the mean of the all-electron one. ``atoms_eV`` is the mean over each atom's compensation
    charge, for alignment between cells of the same elements.
    """
    calc = ground.calc
    volume = calc.atoms.get_volume()
    return {
        "mean_eV": float(np.mean(calc.get_electrostatic_potential())),
        "correction_eV": float(np.sum(calc.get_electrostatic_corrections()) / volume),
        "atoms_eV": [float(v) for v in calc.get_atomic_electrostatic_potentials()],
    }


def edges(ground: Ground, _: dict) -> dict:
    """Band edges on the mesh of the bands, from occupations."""
    calc = ground.bands
    e, occupied = _eigenvalues(calc)
    return _edges(e, occupied, _points(calc))


def spin_orbit(ground: Ground, _: dict) -> dict:
    """Band edges with spin-orbit coupling, added after self-consistency to all bands."""
    calc = ground.bands
    return _with_spin_orbit(calc)


def hybrid(ground: Ground, step: dict) -> dict:
    """Band edges of a hybrid functional on the given orbitals, with and without spin-orbit.

    Computed are ``below`` occupied and ``empty`` bands about the gap, at the points of the band
    edges; all others move with those edges, for the coupling. The exchange is summed over the mesh
    of the bands or, with ``over: density``, over that of the density, which is the finer one.
    """
    from gpaw.new.pw.nschse import NonSelfConsistentHybridXCCalculator as Hybrid

    calc = ground.bands
    e, occupied = _eigenvalues(calc)
    first = max(0, occupied - int(step.get("below", occupied)))
    end = min(occupied + int(step.get("empty", 4)), e.shape[2])
    valence = int(e[:, :, occupied - 1].max(axis=0).argmax())
    conduction = int(e[:, :, occupied].min(axis=0).argmin())
    at = sorted({valence, conduction})
    source = ground.calc if step.get("over") == "density" else calc
    exchange = Hybrid.from_dft_calculation(source.dft, step["xc"], log=None)
    _, found = exchange.calculate(calc.dft.ibzwfs, first, end, at)
    moved = _moved(e, np.asarray(found), at, (first, occupied, end), (valence, conduction))
    out = _edges(moved, occupied, _points(calc))
    if step.get("spin_orbit"):
        coupled = _with_spin_orbit(calc, moved)
        out |= {f"spin_orbit_{key}": value for key, value in coupled.items()}
    return out


def dielectric(ground: Ground, step: dict) -> dict:
    """Dielectric function of light without local fields, on the mesh of the bands.

    Transitions between Kohn-Sham states alone (no excitons, no spin-orbit coupling), summed by
    tetrahedra. ``bands`` empty bands are summed over, energies to ``largest`` (eV), broadened by
    ``eta`` (eV); the grid is ``spacing`` eV wide at 0 and wider above. Cubic: one direction.
    """
    from gpaw.response.df import DielectricFunction

    calc, kept = ground.bands, Path("response.gpw")
    occupied = round(calc.get_number_of_electrons() / 2)
    calc.write(str(kept), mode="all")
    grid = {"type": "nonlinear", "domega0": step["spacing"], "omega2": 8.0}
    response = DielectricFunction(
        str(kept),
        ecut=step["cutoff"],
        frequencies={**grid, "omegamax": step["largest"]},
        nbands=occupied + step["bands"],
        eta=step["eta"],
        hilbert=True,
        intraband=False,
        integrationmode="tetrahedron integration",
        rate="eta",
        txt="response.txt",
    )
    without, _ = response.get_dielectric_function(filename=None)
    if common.is_first():
        kept.unlink()
    return {
        "energies_eV": np.asarray(response.get_frequencies()).tolist(),
        "real": np.asarray(without.real).tolist(),
        "imaginary": np.asarray(without.imag).tolist(),
        "irreducible_points": len(calc.get_ibz_k_points()),
    }


def _moved(
    e: np.ndarray,
    found: np.ndarray,
    at: list[int],
    bands: tuple[int, int, int],
    edges: tuple[int, int],
) -> np.ndarray:
    """Eigenvalues with those `found` put in, and all others moved with the band edges."""
    first, occupied, end = bands
    shift = found - e[:, at, first:end]
    top = found[:, at.index(edges[0]), : occupied - first]
    low = found[:, at.index(edges[1]), occupied - first :]
    moved = e.copy()
    moved[:, :, :occupied] += shift[:, at.index(edges[0]), : occupied - first].flat[
        int(top.argmax())
    ]
    moved[:, :, occupied:] += shift[:, at.index(edges[1]), occupied - first :].flat[
        int(low.argmin())
    ]
    moved[:, at, first:end] = found
    return moved


def _eigenvalues(calc: Any) -> tuple[np.ndarray, int]:
    """Eigenvalues (eV), shape (spins, points, bands), and the number of occupied bands."""
    spins, points = calc.get_number_of_spins(), len(calc.get_ibz_k_points())
    e = np.array([[calc.get_eigenvalues(k, s) for k in range(points)] for s in range(spins)])
    return e, round(calc.get_number_of_electrons() / 2)


def _points(calc: Any) -> np.ndarray:
    return np.asarray(calc.get_ibz_k_points())


def _edges(e: np.ndarray, occupied: int, points: np.ndarray) -> dict:
    """Edges of a closed shell; both spins of a polarised cell hold the same count of bands."""
    top, bottom = e[:, :, :occupied].max(axis=(0, 2)), e[:, :, occupied:].min(axis=(0, 2))
    return _edges_of(top, bottom, points)


def _edges_of(top: np.ndarray, bottom: np.ndarray, points: np.ndarray) -> dict:
    """Edges from the highest valence and the lowest conduction band, shape (points,), eV."""
    k, q = int(top.argmax()), int(bottom.argmin())
    return {
        "vbm_eV": float(top[k]),
        "cbm_eV": float(bottom[q]),
        "gap_eV": float(bottom[q] - top[k]),
        "direct_gap_eV": float((bottom - top).min()),
        "vbm_point": points[k].tolist(),
        "cbm_point": points[q].tolist(),
    }


def _with_spin_orbit(calc: Any, eigenvalues: np.ndarray | None = None) -> dict:
    """Edges with spin-orbit coupling; the gap is negative where it turns the bands over.

    Which of the two states at the gap is the valence band is read from its weight on the bands
    that are occupied without the coupling.
    """
    from gpaw.spinorbit import soc_eigenstates

    states = soc_eigenstates(calc, eigenvalues=eigenvalues)
    n = round(calc.get_number_of_electrons())
    e, vectors = states.eigenvalues(), states.eigenvectors()  # (k, m), (k, m, 2 band + spin)
    below = (np.abs(vectors[:, n - 2 : n, :n]) ** 2).sum(axis=2).mean(axis=1)
    over = below < 0.5
    top = np.where(over, e[:, n], e[:, n - 1])
    bottom = np.where(over, e[:, n - 1], e[:, n])
    found = _edges_of(top, bottom, np.asarray(calc.wfs.kd.bzk_kc))
    return {**found, "least_weight": float(below.min())}


STEPS = {
    f.__name__: f
    for f in (
        *(energy, equation_of_state, forces, relax, potentials),
        *(edges, spin_orbit, hybrid, dielectric),
    )
}


def _task(ground: Ground, step: dict) -> Callable[[], dict]:
    """What does a step; a scan of volumes keeps each volume."""
    if step["do"] != "equation_of_state":
        return lambda: STEPS[step["do"]](ground, step)
    return lambda: equation_of_state(
        ground, step, common.read(SCAN), lambda found: common.write(SCAN, found)
    )


def key_of(step: dict) -> str:
    """Name of a step in the result."""
    if step["do"] != "hybrid":
        return str(step["do"])
    return "_".join(["hybrid", step["xc"], *([step["over"]] if "over" in step else [])])


def main() -> int:
    """Do what the job asks for."""
    common.die_with_parent()
    job = common.read(sys.argv[1])
    ground = Ground(job, "gpaw.txt")
    tasks = [(key_of(step), _task(ground, step)) for step in job["steps"]]
    return common.steps(Path(sys.argv[2]), tasks, {})


if __name__ == "__main__":
    sys.exit(main())
