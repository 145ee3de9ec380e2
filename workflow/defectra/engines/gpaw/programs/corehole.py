"""Program: K edge of one atom with a core hole in its PAW set: ``python corehole.py JOB RESULT``.

PAW: projector-augmented waves; a set describes one element.

Job: the cell (see :func:`common.atoms`), ``site`` (number of the absorber), ``hole``, ``mesh``,
``settings`` (``sets``: folder in which generated PAW sets are kept). Steps of the result:

- ``ground`` and ``excited`` (if ``settings.edge_energy``): total energies without hole, and with a
  full hole and its electron at the bottom of the empty states, neutral. Their difference is the
  energy of the first transition (ΔSCF), if both are spin-polarised.
- ``spectrum``: states (eV, axis of the calculation), squared dipole elements with the core state
  (Bohr², mean of three directions, k-point weight in it), and how empty each state is.

``hole``: ``half`` (+1/2 against a uniform background), ``full`` (+1, likewise), ``xch`` (full, its
electron in the lowest empty state: neutral). Emptiness is that of the electrons of the ground
state at the states of the hole, so that the state of the excited electron counts as empty.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import common
import numpy as np

# The default of GPAW 26 wanders where spins and U are there.
MIXER = {"backend": "pulay", "method": "difference", "beta": 0.1, "nmaxold": 5, "weight": 50.0}
REMOVED = {"half": ("hch1s", 0.5), "full": ("fch1s", 1.0), "xch": ("fch1s", 1.0)}


def main() -> int:
    """Do what the job asks for."""
    common.die_with_parent()
    job = common.read(sys.argv[1])
    run = Run(job)
    tasks = [("spectrum", run.spectrum)]
    if job["settings"]["edge_energy"]:
        tasks += [("ground", run.ground), ("excited", run.excited)]
    asked = {"hole": job["hole"], **{k: job["settings"][k] for k in ("fwhm", "lifetime")}}
    return common.steps(Path(sys.argv[2]), tasks, {"asked": asked})


class Run:
    """The self-consistent calculations of one job."""

    def __init__(self, job: common.Json) -> None:
        self.job, self.set_ = job, job["settings"]

    def ground(self) -> common.Json:
        """Total energy without a hole."""
        return _energies(self._scf("", self.set_["edge_cutoff"]))

    def excited(self) -> common.Json:
        """Total energy of the first core-excited state."""
        return _energies(self._scf("xch", self.set_["edge_cutoff"]))

    def spectrum(self) -> common.Json:
        """States and their dipole elements."""
        hole = self.job["hole"]
        calc = self._scf(hole, self.set_["cutoff"])
        extra = 1.0 if hole == "xch" else 0.0
        electrons = float(calc.wfs.nvalence) - extra
        calc.diagonalize_full_hamiltonian(nbands=self._bands(calc, electrons), expert=True)
        return {**_states(calc, self.job["site"], electrons, self.set_["smearing"]),
                "iterations": int(calc.get_number_of_iterations())}  # fmt: skip

    def _bands(self, calc: Any, electrons: float) -> int:
        """Bands up to ``span`` above the occupied ones: as many as free electrons would have."""
        volume, reach = float(calc.wfs.gd.volume), self.set_["span"] / 27.211386
        empty = volume * (2.0 * reach) ** 1.5 / (6.0 * np.pi**2)
        return int(min(np.ceil(electrons / 2 + 1.1 * empty + 8), calc.wfs.pd.ngmin))

    def _scf(self, hole: str, cutoff: float) -> Any:
        from gpaw import GPAW, PW, FermiDirac

        job, set_ = self.job, self.set_
        atoms = common.atoms(job)
        name = ""
        if hole:
            name = core_hole_set(job["species"][job["site"]], hole, set_["xc"], Path(set_["sets"]))
        if set_["spin"]:
            moments = np.array(job.get("moments") or np.zeros(len(atoms)), float)
            moments[job["site"]] += 1.0 if hole == "xch" else 0.0
            atoms.set_initial_magnetic_moments(moments)
        else:
            atoms.set_initial_magnetic_moments(None)
        atoms.calc = GPAW(
            legacy_gpaw=True,
            mode=PW(cutoff, force_complex_dtype=True),
            xc=set_["xc"],
            kpts={"size": job["mesh"], "gamma": True},
            setups=setups(job, name),
            charge=-1.0 if hole == "xch" else 0.0,
            spinpol=bool(set_["spin"]),
            nbands=f"{100 * set_['bands']:.0f}%",
            occupations=FermiDirac(set_["smearing"]),
            convergence={"density": set_["density"], "energy": set_["energy"],
                         "eigenstates": set_["eigenstates"], "bands": "occupied"},
            maxiter=set_["iterations"],
            mixer=MIXER,
            txt=f"{hole or 'ground'}.txt",
        )  # fmt: skip
        atoms.get_potential_energy()
        return atoms.calc


def setups(job: common.Json, name: str) -> dict[Any, str]:
    """PAW sets by element or site: the absorber has the set `name` and the U of its element."""
    found: dict[Any, str] = dict(common.hubbard(job))
    if name:
        found[job["site"]] = name + found.get(job["species"][job["site"]], "")
    return found


def core_hole_set(element: str, hole: str, xc: str, folder: Path) -> str:
    """Name of the PAW set of an element with a hole in its 1s shell, generated once in `folder`."""
    from gpaw import setup_paths
    from gpaw.atom.configurations import parameters
    from gpaw.atom.generator import Generator

    name, removed = REMOVED[hole]
    home = folder.resolve() / f"gpaw-{common.version()}"
    file = f"{element}.{name}.{xc}"
    if not (home / file).exists():
        home.mkdir(parents=True, exist_ok=True)
        generator = Generator(element, xcname=xc, scalarrel=True, corehole=(1, 0, removed),
                              nofiles=True, txt=None)  # fmt: skip
        generator.run(name=name, **parameters[element])  # writes into the working folder
        draft = home / f".{file}.{secrets.token_hex(4)}.part"
        draft.write_bytes(Path(file).read_bytes())
        draft.replace(home / file)
        Path(file).unlink()
    if str(home) not in setup_paths:
        setup_paths.insert(0, str(home))
    return name


def _energies(calc: Any) -> common.Json:
    """Energies in eV; ``total_eV`` is counted from nuclei and electrons apart."""
    energy = float(calc.get_potential_energy())
    return {
        "energy_eV": energy,
        "total_eV": energy + float(calc.get_reference_energy()),
        "efermi_eV": float(calc.get_fermi_level()),
        "moment": float(calc.get_magnetic_moment()),
        "moments": [float(m) for m in calc.get_magnetic_moments()],
        "iterations": int(calc.get_number_of_iterations()),
    }


def _states(calc: Any, site: int, electrons: float, width: float) -> common.Json:
    """Energies, strengths and emptiness of all states, by spin."""
    from gpaw.xas import XAS

    spins = calc.wfs.nspins
    found = [XAS(calc, mode="all", center=site, spin=s) for s in range(spins)]
    energy = np.array([x.eps_kn for x in found])  # (s, k, n)
    strength = np.array([(np.abs(x.sigma_cmkn) ** 2).sum(axis=(0, 1)) for x in found]) / 3.0
    strength *= 2.0 / spins
    weight = np.asarray(calc.wfs.kd.weight_k)
    level, empty = _emptiness(energy, weight, electrons, width)
    complete = float(energy.max(axis=2).min())
    keep = (energy > level - 15.0) & (energy <= complete)
    low = energy[empty > 0.5].min()
    at = [np.flatnonzero(keep[s]) for s in range(spins)]
    return {
        "efermi_eV": level,
        "first_eV": float(low),
        "complete_eV": complete,
        "electrons": electrons,
        "bands": int(energy.shape[2]),
        "points": len(weight),
        "spins": [
            {
                "energy_eV": energy[s].ravel()[at[s]].round(5).tolist(),
                "strength": strength[s].ravel()[at[s]].tolist(),
                "empty": empty[s].ravel()[at[s]].round(5).tolist(),
            }
            for s in range(spins)
        ],
    }


def _emptiness(
    energy: np.ndarray, weight: np.ndarray, electrons: float, width: float
) -> tuple[float, np.ndarray]:
    """Fermi level of so many electrons, and one minus the occupation (0 to 1) of each state."""
    share = np.broadcast_to(weight[None, :, None] * 2.0 / len(energy), energy.shape)
    low, high = float(energy.min()) - 1.0, float(energy.max()) + 1.0
    for _ in range(200):
        level = 0.5 * (low + high)
        filled = 1.0 / (np.exp(np.clip((energy - level) / width, -60, 60)) + 1.0)
        low, high = (level, high) if (share * filled).sum() < electrons else (low, level)
    return level, 1.0 - filled


if __name__ == "__main__":
    sys.exit(main())
