"""Schemas of study `perovskites`: published compounds, reference energies, ions, the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from defectra.core.records import OUTCOME_COLUMNS, Column, Table
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.labels import LABELS

Row = dict[str, Any]
UNITS = {name: unit for name, unit, _ in LABELS}
# What the screen says of a compound: labels, and the measured-like gap.
SCREEN_UNITS = {**UNITS, "gap_measured": "eV"}
DESCRIPTORS = 45
_COMPOSITION = (
    Column("name", "string", "", "canonical formula"),
    Column("kind", "string", "", "pure, or which site is mixed"),
    Column("a", "ints", "1/8", "A site: K, Rb, Cs, MA, FA"),
    Column("b", "ints", "1/8", "B site: Ca, Sr, Ba, Ge, Sn, Pb"),
    Column("x", "ints", "1/8", "X site: Cl, Br, I"),
)

COMPOUNDS = Table(
    "perovskites",
    (
        *_COMPOSITION,
        Column("source", "string", "", "perovs_ml or halide_perovs_design"),
        Column("in_ml", "bool", "", "stands in perovs_ml as well"),
        *(Column(name, "float", unit, doc) for name, unit, doc in LABELS),
        Column("descriptors", "floats", "scaled", "15 tabulated properties of A, B, X of the file"),
        Column("flags", "strings", "", "labels that fail an identity and are not learnt from"),
    ),
)
PREDICTIONS = Table(
    "perovskite_predictions",
    (
        Column("name", "string", "", "compound"),
        Column("target", "string", "", "label that was predicted"),
        Column("features", "string", "", "what the model saw"),
        Column("split", "string", "", "what was held out"),
        Column("repeat", "int", "", "number of the seeded repeat"),
        Column("truth", "float", "target", "published value"),
        Column("prediction", "float", "target", "committee, held out"),
        Column("half", "float", "target", "half width of its 90 % interval"),
        Column("weights", "floats", "", "of gp, gp_wide, xgboost, trees, network"),
    ),
)
RUNS = Table(
    "perovskite_runs",
    (
        Column("calculation_id", "string", "", "SHA-256 of the canonical engine input"),
        Column("name", "string", "", "compound, canonical formula; of a reference phase its own"),
        Column("phase", "string", "", "perovskite, or prototype of the reference phase"),
        Column("kind", "string", "", "equation_of_state or bands"),
        Column("engine_version", "string", "", "version of the engine"),
        Column("protocol", "string", "", "fidelity"),
        Column("lattice", "float", "Å", "cubic constant: fitted, or what the bands were taken at"),
        Column("energy", "float", "eV", "of the cell: at the minimum of the fit, or of the bands"),
        Column("bulk_modulus", "float", "GPa", "of the fit"),
        Column("residual", "float", "eV", "root mean square of energies less the fit"),
        Column("volumes", "floats", "Å³", "volumes of the equation of state"),
        Column("energies", "floats", "eV", "their energies"),
        *(
            Column(f"{name}_{what}", "float", "eV", f"{name} {doc}")
            for what, doc in (
                ("PBE", "of PBE"),
                ("PBE_SOC", "of PBE with spin-orbit coupling, not self-consistent"),
                ("HSE", "of HSE06 on PBE orbitals"),
                ("HSE_SOC", "of HSE06 on PBE orbitals with spin-orbit coupling"),
                ("HSE_coarse", "as HSE, exchange summed over the mesh of the bands"),
            )
            for name in ("gap", "direct_gap", "vbm", "cbm")
        ),
        Column("vbm_point", "floats", "reciprocal", "k-point of the valence-band maximum, PBE"),
        Column("cbm_point", "floats", "reciprocal", "k-point of the conduction-band minimum, PBE"),
        *OUTCOME_COLUMNS,
        Column("parser_version", "string", "", "version of the parser"),
    ),
)
RUNS_COLUMNS = [
    "name",
    "phase",
    "kind",
    "lattice",
    "bulk_modulus",
    "energy",
    "residual",
    "gap_PBE",
    "gap_PBE_SOC",
    "gap_HSE",
    "gap_HSE_SOC",
    "gap_HSE_coarse",
    "direct_gap_PBE",
    "status",
    "error_class",
    "message",
    "cpu_s",
    "engine_version",
    "origin",
    "calculation_id",
]
REFERENCES_COLUMNS = ["fidelity", "A", "X", "energy_eV", "offset_eV", "excess_eV", "consistent"]
QUALITY_COLUMNS = ["name", "identity", "condition", "label", "off_eV", "verdict"]
IONS_COLUMNS = ["ion", "site", "property", "unit", "ours", "file", "deviation", "source"]


def compound_of(row: Mapping[str, Any]) -> Compound:
    """Composition of a row."""
    return Compound(tuple(row["a"]), tuple(row["b"]), tuple(row["x"]))


def composition_columns(compound: Compound) -> Row:
    """Columns that every table of compounds begins with."""
    return {
        "name": compound.name,
        "kind": compound.kind,
        "a": list(compound.a),
        "b": list(compound.b),
        "x": list(compound.x),
    }


def compounds_of(rows: Sequence[Mapping[str, Any]]) -> list[Compound]:
    """Compositions of rows."""
    return [compound_of(row) for row in rows]
