"""What the faults did: counted by the tests, printed and kept at their end."""

from __future__ import annotations

FIGURES: dict[str, dict[str, int]] = {}


def note(name: str, faults: int, lost: int = 0, repeated: int = 0, in_flight: int = 0) -> None:
    """Keep the figures of one test.

    Parameters
    ----------
    faults
        Faults injected.
    lost, repeated
        Finished calculations that were not there any more, or were computed again.
    in_flight
        Calculations that a fault caught half way and that were begun again.
    """
    found = {"faults": faults, "lost": lost, "repeated": repeated, "in_flight": in_flight}
    old = FIGURES.get(name, dict.fromkeys(found, 0))
    FIGURES[name] = {k: old[k] + v for k, v in found.items()}
