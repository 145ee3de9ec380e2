"""Names that everything agrees on: enums, and one schema with units for each table.

The tables are the interface between the stages; every reader and writer goes through
:mod:`defectra.core.store`, which checks them against the schemas of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = "1"


class Status(StrEnum):
    """State of a calculation or geometry after its attempts."""

    OK = "ok"
    UNCONVERGED = "unconverged"
    FAILED = "failed"


class Origin(StrEnum):
    """Where a row came from; precedence run > parsed > archive."""

    RUN = "run"
    PARSED = "parsed"
    ARCHIVE = "archive"


class Defect(StrEnum):
    """Defect kinds of the layered oxides."""

    PRISTINE = "pristine"
    OXYGEN_VACANCY = "oxygen_vacancy"
    ANTISITE_PAIR = "antisite_pair"


class Split(StrEnum):
    """Names of the cross-validation splits."""

    RANDOM = "random_5fold"
    GROUPED = "grouped_5fold"
    IMPURITY_OUT = "impurity_out"
    HOST_OUT = "host_out"
    FAMILY_OUT = "family_out"
    A_OUT = "A_out"
    X_OUT = "X_out"
    COMPOSITION_OUT = "composition_out"
    LITHIUM_OUT = "lithium_out"
    MIXED_FROM_PURE = "mixed_from_pure"
    DESIGN = "other_data_set"


class Metric(StrEnum):
    """Names of the metrics of ``metrics.csv``."""

    RMSE = "rmse"
    RMSE_GROUPS = "rmse_groups"
    MAE = "mae"
    R2 = "r2"
    BALANCED_ACCURACY = "balanced_accuracy"
    AUROC = "auroc"
    AVERAGE_PRECISION = "average_precision"
    COVERAGE_90 = "coverage_90"
    WIDTH_90 = "width_90"
    SKILL = "skill"
    RELATIVE_RMS = "relative_rms"
    PEARSON = "pearson_median"
    SPEARMAN = "spearman"
    SHARE_OUTSIDE = "share_outside"
    SEPARATION = "separation"
    WIN_RATE = "win_rate"
    MCNEMAR = "mcnemar_p"
    RMSE_DIFFERENCE = "rmse_difference"
    RMSE_RATIO = "rmse_ratio"
    RMS_DIFFERENCE = "relative_rms_difference"
    ACCURACY_DIFFERENCE = "balanced_accuracy_difference"


@dataclass(frozen=True)
class Column:
    """One column of a table: name, Arrow type as text, unit, meaning."""

    name: str
    type: str
    unit: str
    doc: str


@dataclass(frozen=True)
class Table:
    """A named, versioned schema."""

    name: str
    columns: tuple[Column, ...]

    def schema(self) -> pa.Schema:
        """Arrow schema with units and meanings in the field metadata."""
        import pyarrow as pa

        kinds = {
            "string": pa.string(),
            "int": pa.int64(),
            "float": pa.float64(),
            "bool": pa.bool_(),
            "binary": pa.binary(),
            "floats": pa.list_(pa.float64()),
            "ints": pa.list_(pa.int64()),
            "strings": pa.list_(pa.string()),
        }
        fields = [
            pa.field(c.name, kinds[c.type], metadata={"unit": c.unit, "doc": c.doc})
            for c in self.columns
        ]
        return pa.schema(fields, metadata={"table": self.name, "version": SCHEMA_VERSION})

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [c.name for c in self.columns]


def _table(name: str, *rows: tuple[str, str, str, str]) -> Table:
    return Table(name, tuple(Column(*row) for row in rows))


_CELL = (
    ("lattice", "floats", "Å", "row vectors of the cell, 9 numbers"),
    ("species", "strings", "", "element of each site, in canonical order"),
    ("coords", "floats", "fractional", "3 numbers for each site"),
    ("site_labels", "strings", "", "symmetry orbit of each site in the ideal lattice"),
)
_IDENTITY = (
    ("structure_id", "string", "", "hash of the ideal decorated lattice"),
    ("study", "string", "", "study that asked for it"),
)
_OUTCOME = (
    ("status", "string", "", "ok, unconverged or failed"),
    ("attempt", "int", "", "attempts made, from 1"),
    ("error_class", "string", "", "class of the failure, empty if none"),
    ("message", "string", "", "what went wrong, for people"),
    ("wall_s", "float", "s", "wall time"),
    ("cpu_s", "float", "s", "user + system CPU time of the engine"),
    ("max_rss_mb", "float", "MiB", "peak memory of the engine"),
    ("origin", "string", "", "run, parsed or archive"),
)

OUTCOME_COLUMNS = tuple(Column(*row) for row in _OUTCOME)

STRUCTURES = _table(
    "structures",
    *_IDENTITY,
    ("host", "string", "", "prototype"),
    ("formula", "string", "", "formula of the cell"),
    ("composition", "string", "", "metal composition of the parent, e.g. Ni6Mn2Co2"),
    ("ordering", "int", "", "number of the seeded ordering"),
    ("lithium", "float", "", "lithium per metal site of the parent, before the defect"),
    ("defect", "string", "", "defect kind"),
    ("defect_sites", "strings", "", "sites that the defect touches"),
    ("charge", "int", "e", "charge of the cell"),
    ("supercell", "ints", "", "supercell matrix, 9 numbers, rows"),
    ("multiplicity", "int", "", "equivalent decorations of the supercell"),
    ("parent_id", "string", "", "structure that the defect was made in"),
    ("family", "string", "", "group that no split may cut: the fully lithiated parent"),
    ("family_sites", "ints", "", "site of the fully lithiated parent on which each site sits"),
    ("seed", "int", "", "seed of the ordering"),
    ("rank", "int", "", "position in the seeded order of the study"),
    *_CELL,
)

GEOMETRIES = _table(
    "geometries",
    ("geometry_id", "string", "", "structure_id + protocol + coordinates rounded to 1e-4 Å"),
    ("structure_id", "string", "", "structure"),
    ("protocol", "string", "", "geometry protocol"),
    ("settings", "string", "", "digest of the settings of the protocol"),
    *_CELL,
    (
        "moments",
        "floats",
        "µB",
        "magnetic moment of each site; of an unrelaxed copy that of its "
        "parent, a start and no result; empty if the protocol has none",
    ),
    ("oxidation", "floats", "e", "assigned oxidation state of each site, NaN where ambiguous"),
    ("volume", "float", "Å³", "cell volume"),
    ("energy", "float", "eV", "energy of the cell, NaN if the protocol has none"),
    ("fmax", "float", "eV/Å", "largest remaining force, NaN if the protocol has none"),
    (
        "converged",
        "bool",
        "",
        "forces below the threshold; true where the protocol relaxes nothing",
    ),
    ("engine_version", "string", "", "version of the engine"),
    *_OUTCOME,
)

TASKS = _table(
    "tasks",
    ("structure_id", "string", "", "structure"),
    ("geometry_protocol", "string", "", "fidelity of the geometry"),
    ("engine", "string", "", "engine"),
    ("protocol", "string", "", "fidelity of the calculation"),
    ("element", "string", "", "absorbing element"),
    ("edge", "string", "", "K, L3, L2"),
    ("site", "string", "", "symmetry orbit of the absorber in the ideal lattice"),
    ("site_index", "int", "", "first site of that orbit in the structures row"),
    ("multiplicity", "int", "", "sites of the cell in that orbit"),
)

CALCULATIONS = _table(
    "calculations",
    ("calculation_id", "string", "", "SHA-256 of the canonical engine input"),
    ("geometry_id", "string", "", "geometry, empty if there is none"),
    ("structure_id", "string", "", "structure"),
    ("engine", "string", "", "engine"),
    ("engine_version", "string", "", "version of the engine"),
    ("protocol", "string", "", "fidelity"),
    ("geometry_protocol", "string", "", "fidelity of the geometry"),
    ("element", "string", "", "absorbing element"),
    ("edge", "string", "", "K, L3, L2"),
    ("site", "string", "", "symmetry orbit of the absorber in the ideal lattice"),
    ("multiplicity", "int", "", "sites of the cell in that orbit"),
    *_OUTCOME,
    ("iterations", "int", "", "self-consistency iterations"),
    ("efermi_eV", "float", "eV", "Fermi level of the engine"),
    ("edge_eV", "float", "eV", "absorption threshold on the axis of the engine"),
    ("shared_from", "string", "", "calculation whose potentials were reused, empty if none"),
    ("inputs_sha256", "string", "", "checksum of the files that the engine read"),
    ("parser_version", "string", "", "version of the parser"),
)

SPECTRA = _table(
    "spectra",
    ("calculation_id", "string", "", "calculation"),
    ("energy_eV", "floats", "eV", "absolute energy on the axis of the engine"),
    ("mu", "floats", "edge step = 1", "absorption, core-hole width included; see edge_step"),
    ("mu0", "floats", "edge step = 1", "atomic background, empty if the engine has none"),
    ("edge_step", "float", "engine units", "of the file header; NaN: mu is in units of its own"),
)

SITE_AVERAGES = _table(
    "site_averages",
    *_IDENTITY,
    ("geometry_protocol", "string", "", "fidelity of the geometry"),
    ("protocol", "string", "", "fidelity of the spectra"),
    ("element", "string", "", "absorbing element"),
    ("edge", "string", "", "K, L3, L2"),
    ("energy_eV", "floats", "eV", "stated grid of the edge, declared shift applied"),
    ("mu", "floats", "1/eV", "mean over sites, normalised to unit area on the grid"),
    ("alignment", "string", "", "where the shift comes from: declared, delta SCF or fitted"),
    ("shift_eV", "float", "eV", "added to the energies of the engine"),
    ("shift_sd_eV", "float", "eV", "standard deviation of the shift; NaN: not known"),
    ("n_sites", "int", "", "sites of the element in the cell"),
    ("n_computed", "int", "", "sites in the mean"),
    ("n_unconverged", "int", "", "of these, not self-consistent"),
    ("n_failed", "int", "", "sites asked for without a spectrum"),
    ("site_scatter", "float", "", "relative RMS of the sites about their mean; NaN of one site"),
    ("calculation_ids", "strings", "", "calculations behind it"),
)

IMPORTS = _table(
    "imports",
    ("source", "string", "", "first file of the run, below the imported folder"),
    ("files", "strings", "", "files of the spectrum; several are polarisations"),
    ("engine", "string", "", "reader that knew it"),
    ("parser_version", "string", "", "version of the reader"),
    ("calculation_id", "string", "", "calculation; of a failure a hash of its site"),
    ("identity", "string", "", "input or output: what calculation_id is the hash of"),
    (
        "settings",
        "string",
        "",
        "digest of the input without structure and site, then k-point "
        "spacing (1/Å) and potentials that a VASP run says; empty: not known",
    ),
    ("duplicate_of", "string", "", "source of the same calculation found before"),
    ("structure_source", "string", "", "file of the structure, or input"),
    ("paired_by", "string", "", "how structure and site were found"),
    ("site_index", "int", "", "absorbing site in the geometries row, from 0"),
    ("axis", "string", "", "what the zero of the energies is"),
    ("unit", "string", "", "what the absorption is in"),
    ("n_points", "int", "", "energies"),
    ("first_eV", "float", "eV", "first energy"),
    ("last_eV", "float", "eV", "last energy"),
    ("status", "string", "", "ok, unconverged or failed"),
    ("error_class", "string", "", "class of the failure, empty if none"),
    ("message", "string", "", "what went wrong or is to be known, for people"),
)

PASSED_OVER = _table(
    "passed_over",
    ("source", "string", "", "file below the imported folder that is no run"),
    ("reason", "string", "", "why it was passed over"),
)

DRIFT = _table(
    "drift",
    ("calculation_id", "string", "", "archived calculation that was recomputed"),
    ("element", "string", "", "absorbing element"),
    ("edge", "string", "", "K, L3, L2"),
    ("protocol", "string", "", "fidelity"),
    ("status", "string", "", "outcome of the recomputation"),
    ("message", "string", "", "what went wrong, for people"),
    ("archived_version", "string", "", "engine of the archive"),
    ("engine_version", "string", "", "engine of this machine"),
    ("max_abs_mu", "float", "edge step = 1", "largest difference of mu on the archived energies"),
    ("relative_rms", "float", "", "RMS difference of mu over RMS of mu"),
    ("edge_shift_eV", "float", "eV", "threshold now minus threshold then"),
    ("wall_s", "float", "s", "wall time of the recomputation"),
)

TABLES = {
    t.name: t
    for t in (
        STRUCTURES,
        GEOMETRIES,
        TASKS,
        CALCULATIONS,
        SPECTRA,
        SITE_AVERAGES,
        IMPORTS,
        PASSED_OVER,
        DRIFT,
    )
}

METRICS_COLUMNS = [
    "target",
    "unit",
    "features",
    "model",
    "split",
    "subset",
    "fidelity",
    "seed",
    "n_train",
    "n_test",
    "n_groups",
    "metric",
    "value",
    "lo",
    "hi",
]
