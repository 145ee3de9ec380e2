"""Program that computes hosts and charged cells with GPAW: ``python levels.py IN OUT``.

IN is a JSON list of requests, each with its ``id``; OUT is a folder that gets ``<id>.json`` for
each at once, so that a killed program leaves only whole results. Energies in eV, lengths in Å.
A request that names a ``hybrid`` gets its energies and states on the orbitals of its functional;
one whose functional is a hybrid has self-consistent orbitals of it.
Potentials act on a positive unit charge.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import common

Json = dict[str, Any]
HYBRID_BANDS = 3  # from the valence-band maximum down
HYBRID_EV = 1.0  # about the Fermi level: states of a cell that get energies of a hybrid
MOST_VOLUMES = 9  # of the scan for the lattice constant
SELF_CONSISTENT = {"HSE06": {"name": "HSE06", "backend": "pw"}}  # hybrids, as GPAW names them
SAME_EV = 0.01  # apart at most: states that symmetry makes equal


def main() -> int:
    """Compute every request that has no result yet."""
    common.die_with_parent()
    requests = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for request in requests:
        target = Path(sys.argv[2]) / f"{request['id']}.json"
        if not target.exists():
            started, before = time.time(), common.used()["cpu_s"]
            result = {"run": _run, "host": _host}[request["kind"]](request)
            used = common.used()
            result |= {"wall_s": round(time.time() - started, 2)}
            result |= {"cpu_s": round(used["cpu_s"] - before, 2)}
            result |= {"max_rss_mb": round(used["max_rss_mb"], 1)}
            common.write(target, result | {"version": f"gpaw {common.version()}"})
    return 0


def _calculator(request: Json, functional: str, **more: Any) -> Any:
    from gpaw import GPAW, PW

    settings: Json = {
        "mode": PW(request["cutoff_eV"]),
        "xc": SELF_CONSISTENT.get(functional, functional),
        "kpts": {"size": request["kpoints"], "gamma": True},
        "charge": request.get("charge", 0),
        "occupations": {"name": "fermi-dirac", "width": request["width_eV"]},
        "convergence": _tolerance(request),
        "setups": request.get("setups", {}),
        "maxiter": request["iterations"],
        "txt": "gpaw.txt",
    }
    if request.get("moments"):
        settings["spinpol"] = True
        settings["occupations"]["fixmagmom"] = request.get("fixed_moment", False)
    return GPAW(**(settings | more))


def _tolerance(request: Json) -> Json:
    limits = {"density": request["density_tolerance"], "bands": "occupied"}
    return limits | {"eigenstates": request["state_tolerance_eV2"]}


def _run(request: Json) -> Json:
    """One supercell: energy, potentials at the atoms, states near the Fermi level."""
    atoms = common.atoms(request)
    atoms.calc = _calculator(request, request["functional"])
    try:
        relaxed = _relax(atoms, request) if request.get("fmax") else {}
        energy = float(atoms.get_potential_energy())
    except Exception as error:
        if type(error).__name__ not in ("KohnShamConvergenceError", "ConvergenceError"):
            raise
        return {"status": "unconverged", "message": str(error)[:300], "energy_eV": None}
    calc = atoms.calc
    found: tuple[Json, Any] = ({}, None)
    if request.get("hybrid"):
        found = _by_hybrid(calc, request["hybrid"])
    by_hybrid, bands = found
    return {
        "status": "ok",
        "message": "",
        "energy_eV": energy,
        "fermi_eV": _fermi(calc),
        "n_electrons": float(calc.get_number_of_electrons()),
        "potentials_V": [-float(v) for v in calc.get_atomic_electrostatic_potentials()],
        "planes_V": _planes(calc),
        "moment_muB": float(calc.get_magnetic_moment()),
        "states": _states(calc, bands),
        **relaxed,
        **by_hybrid,
    }


def _by_hybrid(calc: Any, name: str) -> tuple[Json, Any]:
    """Energy and states of a hybrid functional on the orbitals of a finished run.

    The energy takes the place of that of the local functional, which is kept beside it. States:
    number of the lowest band, and energies by spin, k-point and band, of those near the gap.
    """
    from gpaw.hybrids.eigenvalues import non_self_consistent_eigenvalues
    from gpaw.hybrids.energy import non_self_consistent_energy

    local = float(calc.get_potential_energy())
    first, last = _bands_near(calc)
    plain, exchange, hybrid = non_self_consistent_eigenvalues(calc, name, first, last)
    energy = float(sum(non_self_consistent_energy(calc, name)))
    return {"energy_eV": energy, "local_energy_eV": local}, (first, plain - exchange + hybrid)


def _fermi(calc: Any) -> float:
    """Fermi level, eV; with a fixed moment the mean of those of both spins."""
    from ase.units import Ha

    return float(Ha * calc.dft.ibzwfs.fermi_levels.mean())


def _bands_near(calc: Any) -> tuple[int, int]:
    """Range of bands of which a state lies near the Fermi level, those at the gap included."""
    import numpy as np

    fermi, bands = _fermi(calc), _eigenvalues_by_spin(calc)
    near = np.flatnonzero((abs(bands - fermi) < HYBRID_EV).any(axis=(0, 1)))
    filled = np.flatnonzero((bands < fermi).any(axis=(0, 1))).max()
    found = [filled, filled + 1, *near]
    return int(min(found)), int(min(max(found) + 1, bands.shape[2]))


def _eigenvalues_by_spin(calc: Any) -> Any:
    """Eigenvalues, eV, shape (spins, k-points, bands)."""
    import numpy as np

    points = range(len(calc.get_ibz_k_points()))
    spins = range(calc.get_number_of_spins())
    return np.array([[calc.get_eigenvalues(kpt=k, spin=s) for k in points] for s in spins])


def _planes(calc: Any) -> list[float]:
    """Potential averaged over planes along each axis, one axis after the other.

    Equally many planes on each: the longest axis settles their number.
    """
    import numpy as np

    grid = -np.asarray(calc.get_electrostatic_potential())
    number = max(grid.shape)
    out = []
    for axis in range(3):
        mean = grid.mean(axis=tuple(a for a in range(3) if a != axis))
        waves = np.fft.rfft(mean)[: number // 2 + 1] * number / len(mean)
        out += np.fft.irfft(waves, number).round(5).tolist()
    return out


def _relax(atoms: Any, request: Json) -> Json:
    from ase.optimize import BFGS

    optimiser = BFGS(atoms, logfile=None)
    settled = optimiser.run(fmax=request["fmax"], steps=request["steps"])
    coords = atoms.get_scaled_positions(wrap=False).round(6).ravel().tolist()
    return {"relaxed_coords": coords, "relaxed": bool(settled), "steps": optimiser.nsteps}


def _states(calc: Any, instead: Any = None, below: float = 3.0, above: float = 3.0) -> Json:
    """Energies, occupations (0 to 1) and weights of the states around the Fermi level.

    `instead`: first band and energies by spin, k-point and band, in place of the run's own; states
    without one are left out.
    """
    import numpy as np

    fermi = _fermi(calc)
    weights = calc.get_k_point_weights()
    spins = calc.get_number_of_spins()
    found: Json = {"energy_eV": [], "occupation": [], "weight": [], "band": [], "kpoint": []}
    for spin in range(spins):
        for k, weight in enumerate(weights):
            energy = calc.get_eigenvalues(kpt=k, spin=spin)
            filled = calc.get_occupation_numbers(kpt=k, spin=spin) / weight * spins / 2
            near = np.flatnonzero((energy > fermi - below) & (energy < fermi + above))
            if instead is not None:
                first, others = instead
                near = np.arange(first, first + others.shape[2])
                energy = np.pad(others[spin, k], (first, 0))
            found["energy_eV"] += energy[near].round(5).tolist()
            found["occupation"] += filled[near].round(5).tolist()
            found["weight"] += [round(float(weight) * 2 / spins, 8)] * len(near)
            found["band"] += near.tolist()
            found["kpoint"] += [k] * len(near)
    return found


def _host(request: Json) -> Json:
    """Host: lattice constant, edges by LDA, PBE, PBE + spin-orbit, HSE06 on PBE orbitals, RPA."""
    out: Json = {"status": "ok", "message": ""}
    length, electrons, out["eos"] = _lattice_constant(request)
    out |= {"lattice_A": length, "n_electrons": electrons}
    cell = _scaled(request, length)
    bands = {"nbands": electrons // 2 + 8}
    tight = {**_tolerance(request), "bands": electrons // 2 + 3}
    for functional in ("LDA", "PBE"):
        atoms = common.atoms(cell)
        atoms.calc = _calculator(cell, functional, convergence=tight, **bands)
        atoms.get_potential_energy()
        out[functional] = _edges(_eigenvalues(atoms.calc), atoms.calc)
    out["PBE+SOC"] = _spin_orbit(atoms.calc)
    out["HSE06@PBE"] = _hybrid(atoms.calc)
    out["epsilon_rpa"] = _dielectric(cell, electrons)
    return out


def _scaled(request: Json, length: float) -> Json:
    ratio = length / request["start_A"]
    return {**request, "lattice": [v * ratio for v in request["lattice"]]}


def _lattice_constant(request: Json) -> tuple[float, int, Json]:
    """Fit of E(V) on volumes about the start: edge of the cube in Å, electrons, the scan.

    While the lowest energy is that of an end, the scan goes on beyond it.
    """
    from ase.eos import EquationOfState

    found: dict[float, float] = {}
    ahead = list(request["strains"])
    while ahead:
        for strain in ahead:
            cell = _scaled(request, request["start_A"] * strain)
            atoms = common.atoms(cell)
            atoms.calc = _calculator(cell, "PBE", kpts={"size": request["kpoints"]})
            found[strain] = float(atoms.get_potential_energy())
        ahead = beyond(found) if len(found) < MOST_VOLUMES else []
    strains = sorted(found)
    lengths, energies = [request["start_A"] * s for s in strains], [found[s] for s in strains]
    volumes = [length**3 / 4 for length in lengths]
    volume, energy, bulk = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    scan: Json = {"lengths_A": lengths, "energies_eV": energies, "energy_eV": float(energy)}
    scan["bulk_modulus_GPa"] = float(bulk) * 160.21766
    electrons = round(float(atoms.calc.get_number_of_electrons()))
    return float((4 * volume) ** (1 / 3)), electrons, scan


def beyond(found: dict[float, float]) -> list[float]:
    """The next strain of a scan whose lowest energy is at an end; none if it is inside."""
    strains = sorted(found)
    lowest = strains.index(min(found, key=found.__getitem__))
    if 0 < lowest < len(strains) - 1:
        return []
    end, before = (strains[0], strains[1]) if lowest == 0 else (strains[-1], strains[-2])
    return [round(2 * end - before, 6)]


def _dielectric(cell: Json, electrons: int) -> Json:
    """Electronic dielectric constant by RPA on PBE, on a mesh without the zone centre.

    Transitions between bands only: where PBE closes the gap, partly filled bands have a term that
    diverges at zero frequency.
    """
    from gpaw.response.df import DielectricFunction

    atoms, bands = common.atoms(cell), electrons // 2 + 20
    ready = {**_tolerance(cell), "bands": bands - 4}
    mesh = {"size": cell["kpoints"]}
    atoms.calc = _calculator(cell, "PBE", nbands=bands, convergence=ready, kpts=mesh)
    atoms.get_potential_energy()
    atoms.calc.write("response.gpw", "all")
    settings = {"ecut": cell["response_cutoff_eV"], "hilbert": False, "intraband": False}
    response = DielectricFunction("response.gpw", frequencies=[0.0], **settings)
    found = response.get_macroscopic_dielectric_constant()
    if common.is_first():
        Path("response.gpw").unlink()
    return {"without_local_fields": float(found[0]), "with_local_fields": float(found[1])}


def _eigenvalues(calc: Any) -> Any:
    import numpy as np

    return np.array([calc.get_eigenvalues(kpt=k) for k in range(len(calc.get_ibz_k_points()))])


def _edges(bands: Any, calc: Any, first: int = 0, inverted: bool | None = None) -> Json:
    """Edges relative to the average electrostatic potential of the cell (its zero in PW mode).

    Where the s state of the zone centre lies below the p states the gap is their distance, below
    zero. `bands` are in the order of PBE; another functional may have another one, and whether
    that of PBE was `inverted` is then to be reported.
    """
    import numpy as np

    filled = round(calc.get_number_of_electrons() / 2) - first
    points = calc.get_ibz_k_points()
    gamma = bands[abs(points).sum(axis=1).argmin()]
    low, *triple = gamma[filled - HYBRID_BANDS : filled + 1]
    if inverted is None:
        inverted = is_inverted(gamma, filled)
    ordered = np.sort(bands, axis=1)
    top, bottom = ordered[:, filled - 1], ordered[:, filled]
    out = {
        "vbm_eV": float(top.max()),
        "cbm_eV": float(bottom.min()),
        "gap_eV": float(bottom.min() - top.max()),
        "gamma_gap_eV": float((bottom - top)[abs(points).sum(axis=1).argmin()]),
        "vbm_k": points[top.argmax()].round(4).tolist(),
        "cbm_k": points[bottom.argmin()].round(4).tolist(),
    }
    if inverted and low < max(triple):
        out["gap_eV"] = out["gamma_gap_eV"] = float(low - max(triple))
    return out


def _spin_orbit(calc: Any) -> Json:
    import numpy as np
    from gpaw.spinorbit import soc_eigenstates

    found = soc_eigenstates(calc)
    bands = found.eigenvalues()
    filled = round(calc.get_number_of_electrons())
    points = np.asarray(calc.get_bz_k_points())
    gamma = int(abs(points).sum(axis=1).argmin())
    top, bottom = bands[:, filled - 1], bands[:, filled]
    triple = np.sort(bands[gamma, filled - 6 : filled])
    return {
        "vbm_eV": float(top.max()),
        "cbm_eV": float(bottom.min()),
        "gap_eV": float(bottom.min() - top.max()),
        "splitting_eV": float(triple[2:].mean() - triple[:2].mean()),
    }


def _hybrid(calc: Any) -> Json:
    from gpaw.hybrids.eigenvalues import non_self_consistent_eigenvalues

    filled = round(calc.get_number_of_electrons() / 2)
    first = filled - HYBRID_BANDS
    inverted = _fill_as_insulator(calc, filled)
    plain, local, hybrid = non_self_consistent_eigenvalues(calc, "HSE06", first, filled + 1)
    return _edges((plain - local + hybrid)[0], calc, first, inverted=inverted)


def is_inverted(energies: Any, filled: int) -> bool:
    """Does an s state lie below the three p states of the zone centre, which share two pairs?

    Parameters
    ----------
    energies
        Eigenvalues at the zone centre without spin-orbit coupling, eV.
    filled
        Number of doubly occupied bands of the insulator.
    """
    low, *triple = energies[filled - HYBRID_BANDS : filled + 1]
    return bool(max(triple) - min(triple) < SAME_EV < min(triple) - low)


def _fill_as_insulator(calc: Any, filled: int) -> bool:
    """Fill the p states of the zone centre and empty the s state where PBE has them inverted.

    The exchange of the hybrid sums over filled states: with the occupations of PBE it would hold
    the s state down, by what it gains from itself on a coarse mesh.
    """
    points = abs(calc.get_ibz_k_points()).sum(axis=1)
    gamma = int(points.argmin())
    if not is_inverted(calc.get_eigenvalues(kpt=gamma), filled):
        return False
    states = next(w for w in calc.dft.ibzwfs if abs(w.kpt_c).sum() < 1e-9)
    states.occ_n[filled - HYBRID_BANDS] = 0.0
    states.occ_n[filled - HYBRID_BANDS + 1 : filled + 1] = 1.0
    return True


if __name__ == "__main__":
    sys.exit(main())
