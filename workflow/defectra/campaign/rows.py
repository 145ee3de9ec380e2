"""Rows of the calculations and spectra tables from what an engine gave back."""

from __future__ import annotations

from typing import Any

from defectra.campaign.engine import Outcome, Parsed
from defectra.core.records import Origin, Status

Row = dict[str, Any]


def accounting(outcome: Outcome, engine_version: str) -> Row:
    """What a calculation was and took: part of a calculations row."""
    return {
        "calculation_id": outcome.calculation_id,
        "engine_version": engine_version,
        "status": str(outcome.status),
        "attempt": outcome.attempt,
        "error_class": outcome.error_class,
        "message": outcome.message,
        "wall_s": round(outcome.wall_s, 3),
        "cpu_s": round(outcome.cpu_s, 3),
        "max_rss_mb": round(outcome.max_rss_mb, 1),
        "shared_from": outcome.shared_from,
        "inputs_sha256": outcome.inputs_sha256,
    }


def blank_row() -> Row:
    """The columns of a calculation that nothing is known of yet."""
    return {
        "status": str(Status.FAILED),
        "attempt": 0,
        "error_class": "",
        "message": "",
        "wall_s": 0.0,
        "cpu_s": 0.0,
        "max_rss_mb": 0.0,
        "origin": str(Origin.RUN),
        "iterations": 0,
        "efermi_eV": float("nan"),
        "edge_eV": float("nan"),
        "shared_from": "",
        "inputs_sha256": "",
        "parser_version": "",
    }


def result(found: Parsed, parser_version: str) -> Row:
    """What the spectrum shows of its calculation: part of a calculations row."""
    return {
        "iterations": found.iterations,
        "efermi_eV": found.efermi,
        "edge_eV": found.edge,
        "parser_version": parser_version,
    }


def spectrum_row(calculation_id: str, found: Parsed) -> Row:
    """Row of the spectra table."""
    return {
        "calculation_id": calculation_id,
        "energy_eV": found.energy.tolist(),
        "mu": found.mu.tolist(),
        "mu0": found.mu0.tolist(),
        "edge_step": found.edge_step,
    }
