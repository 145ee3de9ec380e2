"""Which sites of a structure are computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from defectra.core.seeds import seeded


def choose(row: Mapping[str, Any], element: str, number: int) -> list[tuple[str, int, int]]:
    """Seeded choice of `number` inequivalent sites of an element.

    Returns
    -------
    (orbit, index of its first site, multiplicity) of each; a larger number contains the choice
    of a smaller one, so that sites are added and never exchanged.
    """
    orbits: dict[str, int] = {}
    labels = [
        label for label, species in zip(row["site_labels"], row["species"]) if species == element
    ]
    for index, (label, species) in enumerate(zip(row["site_labels"], row["species"])):
        if species == element:
            orbits.setdefault(label, index)
    amount = Counter(labels)
    order = seeded(row["structure_id"], "sites", element).permutation(len(orbits))
    names = sorted(orbits)
    return [(names[k], orbits[names[k]], amount[names[k]]) for k in order[:number]]
