"""Fidelities of FDMNES."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import Strict


class Absorber(Strict):
    """Settings of one absorbing element."""

    radius: str = Field("6", description="Å, of the cluster about the absorber, as written")
    excited: bool = Field(
        False, description="self-consistent field (SCF) with the core hole (cards Excited, SCFexc)"
    )


class FdmnesProtocol(Strict):
    """One fidelity of FDMNES."""

    description: str = Field("", description="what it is for")
    span: str = Field("-5. 0.2 45", description="eV from the edge: first, step, last, as written")
    absorbers: dict[str, Absorber] = Field({}, description="by element; others: the defaults")
    timeout_s: float = Field(86400, gt=0, description="s, then a run counts as failed")

    def absorber(self, element: str) -> Absorber:
        """Settings of an absorbing element."""
        return self.absorbers.get(element, Absorber())


PROTOCOLS = {"fdmnes": FdmnesProtocol}
SPECTRA = {"fdmnes": "fdmnes"}
