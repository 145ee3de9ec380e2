"""Fidelities of relaxations with SevenNet."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from defectra.engines.relaxation import RelaxationProtocol


class SevennetProtocol(RelaxationProtocol):
    """Relaxation with SevenNet-0, cell included."""

    ENGINE: ClassVar[str] = "sevennet"

    model: Literal["7net-0"] = Field(
        "7net-0", description="weights that come with package sevenn: version of 11 July 2024"
    )


PROTOCOLS = {"sevennet": SevennetProtocol}
