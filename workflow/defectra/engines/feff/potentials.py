"""Carry self-consistent potentials from one edge of a site to another, to the bit.

``pot.bin`` of FEFF is text: values packed eight characters each. With a core hole that is
screened after self-consistency, the files of two edges differ only in values that depend on the
edge alone (hole number, threshold, relaxation energy, hole orbital). Those are what differs
between two *non*-self-consistent runs of the edges, which cost a second each; everything else is
taken over. Proof: ``tests/physics/test_feff_live.py`` and ``python -m benchmarks.feff``.
"""

from __future__ import annotations

from defectra.core.errors import EngineError

_WIDTH = 8
_PACKED = ("!", "$")


def carry_over(converged: str, plain_from: str, plain_to: str) -> str:
    """Potentials of the second edge.

    Parameters
    ----------
    converged
        Self-consistent ``pot.bin`` of the first edge.
    plain_from, plain_to
        ``pot.bin`` without self-consistency of the first and of the second edge.

    Raises
    ------
    EngineError
        If the three files are not of one kind.
    """
    rows = [text.split("\n") for text in (converged, plain_from, plain_to)]
    if len({len(r) for r in rows}) != 1:
        raise EngineError("potentials_differ", "pot.bin files of two edges differ in length")
    return "\n".join(_line(*lines) for lines in zip(*rows))


def _line(converged: str, plain_from: str, plain_to: str) -> str:
    if plain_from == plain_to:
        return converged
    if not converged.startswith(_PACKED):
        return plain_to
    parts = [_values(line) for line in (converged, plain_from, plain_to)]
    if len({len(p) for p in parts}) != 1:
        raise EngineError("potentials_differ", "pot.bin lines of two edges differ in length")
    return "".join(c if a == b else b for c, a, b in zip(*parts))


def _values(line: str) -> list[str]:
    return [line[0], *(line[i : i + _WIDTH] for i in range(1, len(line), _WIDTH))]
