"""The engine without physics has the fidelities of FEFF."""

from __future__ import annotations

from collections.abc import Mapping

PROTOCOLS: Mapping[str, type] = {}
SPECTRA = {"synthetic": "feff"}
