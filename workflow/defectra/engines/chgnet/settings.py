"""Fidelities of relaxations with CHGNet."""

from __future__ import annotations

from typing import ClassVar

from defectra.engines.relaxation import RelaxationProtocol


class ChgnetProtocol(RelaxationProtocol):
    """Relaxation with CHGNet, cell included."""

    ENGINE: ClassVar[str] = "chgnet"


PROTOCOLS = {"chgnet": ChgnetProtocol}
