"""Special quasi-random structures through icet (optional: ``pip install defectra[sqs]``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.errors import StructureError
from defectra.structures.colourings import Colourings, Selection, pose
from defectra.structures.crystal import VACANCY
from defectra.structures.sampling import smallest
from defectra.structures.supercells import Supercell


def special(
    supercell: Supercell,
    composition: Mapping[str, Mapping[str, int]],
    *,
    cutoffs: Sequence[float] = (6.0,),
    steps: int = 5000,
    seed: int = 0,
) -> Colourings:
    """Ordering of this supercell whose pair (triplet, ...) correlations are nearest to random.

    A. Zunger et al., Phys. Rev. Lett. 65, 353 (1990); found by annealing, a list of one.

    Parameters
    ----------
    composition
        As for :func:`defectra.structures.colourings.orderings`.
    cutoffs
        Å, for pairs, triplets, ...
    steps
        Monte Carlo steps of the annealing.

    Raises
    ------
    StructureError
        If icet is not there, or the composition does not fit.
    """
    problem = pose(supercell, composition)
    tools = _tools()
    tools["logging"].set_log_config(level="ERROR")
    space, template, sites = _cluster_space(supercell, composition, list(cutoffs), tools)
    target = {_letter(space, own): _shares(own) for own in composition.values()}
    found = tools["generate"](
        cluster_space=space,
        supercells=[template],
        target_concentrations=target,
        n_steps=steps,
        random_seed=seed,
    )
    species = list(supercell.species)
    for atom, site in zip(_matched(template, found), sites):
        species[site] = atom
    word = np.array([[problem.palette.index(species[s]) for s in problem.sites]], dtype=np.uint8)
    words, weights = smallest(problem.permutations, word)
    kind = Selection.SQS
    return Colourings(supercell, problem, words, weights, problem.count(), problem.raw, kind, seed)


def _tools() -> dict[str, Any]:
    try:
        from icet import ClusterSpace
        from icet.input_output import logging_tools
        from icet.tools.structure_generation import generate_sqs_from_supercells
    except ImportError as error:
        raise StructureError(
            f"special quasi-random structures need icet ({error}); install it with "
            "`pip install 'defectra[sqs]'` (it has no wheels: a C++ compiler is needed), or take a "
            "seeded sample of orderings instead"
        ) from None
    return {
        "space": ClusterSpace,
        "generate": generate_sqs_from_supercells,
        "logging": logging_tools,
    }


def _shares(own: Mapping[str, int]) -> dict[str, float]:
    total = sum(own.values())
    return {s: n / total for s, n in own.items()}


def _letter(space: Any, own: Mapping[str, int]) -> str:
    """Name that icet gives to the sublattice with these species."""
    for sublattice in space.get_sublattices(space.primitive_structure):
        if set(sublattice.chemical_symbols) == set(own):
            return str(sublattice.symbol)
    raise StructureError(f"icet finds no sublattice with {', '.join(own)}")


def _cluster_space(
    supercell: Supercell,
    composition: Mapping[str, Mapping[str, int]],
    cutoffs: list[float],
    tools: dict[str, Any],
) -> tuple[Any, Any, list[int]]:
    from ase import Atoms

    crystal = supercell.crystal
    allowed = [_symbols(composition, n, s) for n, s in zip(crystal.sublattices, crystal.species)]
    full = [k for k, a in enumerate(allowed) if a]
    cell = Atoms(
        [allowed[k][0] for k in full],
        scaled_positions=crystal.coords[full],
        cell=crystal.lattice,
        pbc=True,
    )
    space = tools["space"](cell, cutoffs, [allowed[k] for k in full])
    sites = [i for i, p in enumerate(supercell.parent_sites) if p in full]
    symbols = [allowed[supercell.parent_sites[i]][0] for i in sites]
    template = Atoms(
        symbols, scaled_positions=supercell.coords[sites], cell=supercell.lattice, pbc=True
    )
    return space, template, sites


def _symbols(
    composition: Mapping[str, Mapping[str, int]], sublattice: str, species: str
) -> list[str]:
    if sublattice in composition:
        return sorted(composition[sublattice])
    return [] if species == VACANCY else [species]


def _matched(template: Any, found: Any) -> list[str]:
    """Species of the result in the order of the template's sites."""
    delta = template.get_scaled_positions()[:, None] - found.get_scaled_positions()[None]
    nearest = np.abs(delta - np.round(delta)).max(axis=2).argmin(axis=1)
    return [str(found.symbols[k]) for k in nearest]
