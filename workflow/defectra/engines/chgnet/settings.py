"""Fidelities of relaxations with CHGNet."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import Strict


class ChgnetProtocol(Strict):
    """Relaxation with CHGNet, cell included."""

    description: str = Field("", description="what it is for")
    fmax: float = Field(0.1, gt=0, description="eV/Å")
    steps: int = Field(300, ge=1, description="at most")
    relax_cell: bool = Field(True, description="relax the cell as well")
    rattle: float = Field(0.02, ge=0, description="Å, seeded displacement that breaks symmetry")
    from_parent: bool = Field(
        False, description="no relaxation: the fully lithiated parent's sites and cell are kept"
    )


PROTOCOLS = {"chgnet": ChgnetProtocol}
