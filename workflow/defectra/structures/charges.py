"""Charge states to try, guessed from oxidation states; always open to be overridden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from defectra.structures.crystal import VACANCY
from defectra.structures.defects import Change
from defectra.structures.identity import Decorated


def oxidation_states(host: Decorated) -> dict[str, int]:
    """Oxidation state of each element of the host.

    The most common neutral assignment of its composition; the commonest state of an element
    where there is none that is neutral, and fractional states rounded away from zero.
    """
    from pymatgen.core import Composition, Element

    amounts = Counter(s for s in host.species if s != VACANCY)
    guesses = Composition(amounts).oxi_state_guesses(max_sites=-1)
    if guesses:
        return {s: _away(float(q)) for s, q in guesses[0].items()}
    return {s: int((Element(s).common_oxidation_states or (0,))[-1]) for s in amounts}


def _away(state: float) -> int:
    return int(state) if state == int(state) else int(state + (1 if state > 0 else -1))


def guess(
    host: Decorated,
    changes: Sequence[Change],
    states: Mapping[str, int] | None = None,
) -> tuple[int, ...]:
    """Charge states of a defect: from neutral to where all ions keep their oxidation state.

    Parameters
    ----------
    states
        Oxidation states that win over the guessed ones, by element.

    Examples
    --------
    A vacancy of O(2-) gives 0, 1, 2; of Zn(2+) gives -2, -1, 0; Cu (1+ to 3+) on Zn(2+) gives
    -1, 0, 1.
    """
    known = oxidation_states(host) | dict(states or {})
    low = high = 0
    for change in changes:
        before = [0] if change.removes == VACANCY else [known.get(change.removes, 0)]
        after = [0] if change.inserts == VACANCY else _states(change.inserts, known)
        shifts = [b - a for a in before for b in after]
        low, high = low + min(0, *shifts), high + max(0, *shifts)
    return tuple(range(low, high + 1))


def _states(element: str, known: Mapping[str, int]) -> list[int]:
    from pymatgen.core import Element

    if element in known:
        return [known[element]]
    own = Element(element)
    return [int(q) for q in own.icsd_oxidation_states or own.common_oxidation_states] or [0]
