"""Fidelities of relaxations with CHGNet."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

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
    cell: Literal["own", "parent", "vacancy_volume"] = Field(
        "own",
        description="where the cell and the first positions are from: the Vegard estimate; the "
        "relaxed defect-free parent; the structure's own relaxed cell at the volume of its vacancy",
    )

    @model_validator(mode="after")
    def _fixed(self) -> ChgnetProtocol:
        if self.cell != "own" and (self.relax_cell or self.from_parent):
            raise ValueError(f"cell: {self.cell} needs relax_cell: false and no from_parent")
        return self


PROTOCOLS = {"chgnet": ChgnetProtocol}
