"""A training table of spectra that were computed anywhere: site averages, labels, groups.

One engine, one protocol and one geometry protocol in a table. Labels are what the structure itself
says; groups are such that copies, defects and delithiated copies of a cell stay together
(:mod:`defectra.structures.families`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.core.records import Column, Origin, Status, Table
from defectra.spectra.average import average_sites
from defectra.spectra.finished_runs import NOT_TOLD, Fidelity, FinishedRuns, fidelity_of
from defectra.spectra.grid import Grid
from defectra.spectra.normalise import cdf
from defectra.spectra.reach import is_continued, second_spectra, why_short
from defectra.structures.families import Cell, Families, families, reduced

Row = dict[str, Any]
Floats = NDArray[np.float64]
TRAINING = "spectra_training"  # name of the table
COUNTS = {
    "n_sites": "sites of the element in the cell",
    "n_computed": "kinds of sites in the mean",
    "n_unconverged": "of these, not self-consistent",
    "n_failed": "sites asked for without a spectrum",
}
STEP, FWHM = 0.25, 1.0  # eV
OVERLAP = 0.1  # Å; no two atoms are so near
LEAST_OVERLAP = 0.5  # of the median length of the spectra

_FIXED = (
    Column("structure_id", "string", "", "hash of the crystal, or of the factory"),
    Column("study", "string", "", "study that asked for it; import: made elsewhere"),
    Column("origin", "string", "", "run, parsed or archive"),
    Column("engine", "string", "", "engine, one for each table"),
    Column("protocol", "string", "", "fidelity of the spectra, one for each table"),
    Column("geometry_protocol", "string", "", "fidelity of the geometry, one for each table"),
    Column("group", "string", "", "reduced formula of the fullest of all that are linked"),
    Column("family", "string", "", "fullest structure of the arrangement that this one is of"),
    Column("system", "string", "", "elements, by name"),
    Column("formula", "string", "", "reduced formula"),
    Column("defect", "string", "", "as the factory named it; unknown if it was not asked"),
    Column("vacancies", "int", "", "vacant sites that the factory made; empty if not known"),
    Column("n_atoms", "int", "", "atoms of the cell"),
    Column("volume", "float", "Å³", "of the cell, by atom"),
)


@dataclass(frozen=True)
class Asked:
    """What a table is to hold.

    Attributes
    ----------
    edges
        E.g. ``("Ni K", "O K")``; empty: all edges of the runs, if each structure has all.
    fidelity
        Which, where there are several.
    grids
        Grid of an edge; by default the energies that all its spectra cover.
    from_edge
        Energies are counted from the threshold of each run, not on the axis of the engine.
    """

    edges: tuple[str, ...] = ()
    fidelity: Fidelity | None = None
    grids: Mapping[str, Grid] = field(default_factory=dict)
    from_edge: bool = False


@dataclass(frozen=True)
class Built:
    """Schema and rows of the table, and what was left out: ``source`` and ``reason``.

    `continued`: by edge, how many spectra begin more than 2 eV above their grid, at zero; zeros
    stand before them.
    """

    table: Table
    rows: list[Row]
    left_out: list[Row]
    fidelity: Fidelity
    continued: Mapping[str, int]


def chosen_fidelity(runs: FinishedRuns, wanted: Fidelity | None) -> Fidelity:
    """The one fidelity of a table.

    Raises
    ------
    TableError
        If there are several and none is named, or the named one is not there.
    """
    found = runs.fidelities()
    if not found:
        why = Counter(row["reason"] for row in runs.left_out).most_common(1)
        why_not = f"; {why[0][1]} runs: {why[0][0]}" if why else ""
        raise TableError(f"no spectrum with a structure and a site{why_not}")
    listed = "; ".join(f"'{' '.join(key)}' ({n} spectra)" for key, n in found.items())
    if any(
        key[1].startswith(f"{NOT_TOLD}-") and "-" in key[1][len(NOT_TOLD) + 1 :] for key in found
    ):
        listed += " (-k: spacing of the k-points, 1/Å; -p: potentials, as imports.parquet has them)"
    if wanted is None and len(found) > 1:
        raise TableError(
            "several engines, protocols or geometries, which do not mix in one table: "
            f"name one with --fidelity: {listed}"
        )
    if wanted is not None and wanted not in found:
        raise TableError(f"no spectrum of fidelity '{' '.join(wanted)}'; there are: {listed}")
    return wanted or next(iter(found))


def build(runs: FinishedRuns, asked: Asked, factory: Sequence[Row] = ()) -> Built:
    """Table of finished runs.

    Parameters
    ----------
    factory
        Rows of a table of `make structures`: they name defects and families of what they made.

    Raises
    ------
    TableError
        As :func:`chosen_fidelity`; if an edge is missing, or its spectra share no energies.
    """
    fidelity = chosen_fidelity(runs, asked.fidelity)
    own = [row for row in runs.calculations if fidelity_of(row) == fidelity]
    edges = _edges(own, asked.edges)
    curves, own, short = _with_curves(runs, own, asked, edges)
    grids = {edge: asked.grids.get(edge) or common_grid(edge, own, curves) for edge in edges}
    own, ended = _on_grid(own, curves, grids)
    others = [
        {"source": row["calculation_id"][:16], "reason": reason}
        for row, reason in second_spectra(own, curves)
    ]
    cells = {row["structure_id"]: runs.structures[row["structure_id"]] for row in own}
    averages: dict[str, dict[str, Row]] = {name: {} for name in cells}
    for mean in average_sites(own, curves.values(), cells.values(), [], grids):
        if mean["mu"]:
            averages[mean["structure_id"]][f"{mean['element']} {mean['edge']}"] = mean
    made = _made_by_factory(cells, factory)
    linked = families([_cell(row, made.get(name)) for name, row in cells.items()])
    kinds = sorted({s for row in cells.values() for s in row["species"]})
    rows, left_out = [], [*runs.left_out, *short, *ended, *others]
    for name, cell in sorted(cells.items()):
        lacking = [edge for edge in edges if edge not in averages[name]]
        if lacking:
            reason = f"no spectrum of {', '.join(lacking)}"
            left_out.append({"source": name, "reason": reason})
            continue
        rows.append(
            _row(cell, averages[name], fidelity, made.get(name), linked, kinds)
            | {"origin": _origin(own, name)}
        )
    if not rows:
        why = f"; {ended[0]['reason']}" if ended else ""
        raise TableError(f"no structure has a spectrum of each of {', '.join(edges)}{why}")
    return Built(table_of(edges, kinds), rows, left_out, fidelity, _continued(own, curves, grids))


def _on_grid(
    rows: Sequence[Row], curves: Mapping[str, Row], grids: Mapping[str, Grid]
) -> tuple[list[Row], list[Row]]:
    """Calculations, failed if the spectrum does not cover the grid of its edge, and the reasons."""
    out, left_out = [], []
    for row in rows:
        edge, name = edge_of(row), row["calculation_id"]
        reason = why_short(curves[name], grids[edge], edge)
        if reason:
            left_out.append({"source": name[:16], "reason": reason})
        out.append(row | {"status": str(Status.FAILED)} if reason else row)
    return out, left_out


def _continued(
    rows: Sequence[Row], curves: Mapping[str, Row], grids: Mapping[str, Grid]
) -> dict[str, int]:
    done = [row for row in rows if row["status"] != Status.FAILED]
    late = (r for r in done if is_continued(curves[r["calculation_id"]], grids[edge_of(r)]))
    return dict(Counter(map(edge_of, late)))


def edge_of(row: Mapping[str, Any]) -> str:
    """Element and edge of a calculations row, e.g. ``Ni K``."""
    return f"{row['element']} {row['edge']}"


def _edges(rows: Sequence[Row], wanted: Sequence[str]) -> list[str]:
    there = sorted({f"{r['element']} {r['edge']}" for r in rows})
    missing = [edge for edge in wanted if edge not in there]
    if missing:
        raise TableError(f"no spectrum of {missing[0]!r}; the edges are: {', '.join(there)}")
    return list(wanted) or there


def _with_curves(
    runs: FinishedRuns, rows: Sequence[Row], asked: Asked, edges: Sequence[str]
) -> tuple[dict[str, Row], list[Row], list[Row]]:
    """Spectra (on their axis, or from their threshold) of the rows that are of these edges."""
    curves, kept, left_out = {}, [], []
    for row in rows:
        if f"{row['element']} {row['edge']}" not in edges:
            continue
        curve = runs.spectra[row["calculation_id"]]
        zero = row["edge_eV"] if asked.from_edge else 0.0
        if not np.isfinite(zero):
            reason = "gives no threshold to count energies from"
            left_out.append({"source": row["calculation_id"][:16], "reason": reason})
            continue
        energy = (np.asarray(curve["energy_eV"], float) - zero).tolist()
        curves[row["calculation_id"]] = curve | {"energy_eV": energy}
        kept.append(row)
    return curves, kept, left_out


def common_grid(edge: str, rows: Sequence[Row], curves: Mapping[str, Row]) -> Grid:
    """Energies that all spectra of an edge cover, eV.

    Raises
    ------
    TableError
        If that is less than half of what they cover by themselves.
    """
    own = [
        curves[r["calculation_id"]]["energy_eV"]
        for r in rows
        if f"{r['element']} {r['edge']}" == edge
    ]
    first, last = max(e[0] for e in own), min(e[-1] for e in own)
    length = float(np.median([e[-1] - e[0] for e in own]))
    if last - first < LEAST_OVERLAP * length:
        raise TableError(
            f"{edge}: the spectra share {max(last - first, 0):.1f} eV of {length:.1f}: count "
            "energies from the threshold of each run (--from-edge), or name a --grid"
        )
    start = float(np.ceil(first / STEP) * STEP)
    return Grid(start=start, stop=float(np.floor(last / STEP) * STEP), step=STEP, fwhm=FWHM)


def _made_by_factory(cells: Mapping[str, Row], factory: Sequence[Row]) -> dict[str, Row]:
    """Row of the factory for each structure that it made, by the structure_id of the crystal."""
    if not factory:
        return {}
    from defectra.engines.finished.pairing import identity
    from defectra.structures.geometry import to_pymatgen

    out: dict[str, Row] = {}
    for row in factory:
        names = {row["structure_id"], identity(to_pymatgen(row))[0]}
        for name in names & set(cells):
            out.setdefault(name, row)
    return out


def _cell(row: Row, made: Row | None) -> Cell:
    family = made["family"] if made else row["family"]
    unknown = not made and family == row["structure_id"]
    return Cell.of(
        row["structure_id"], row["lattice"], row["species"], row["coords"],
        "" if unknown else family,
    )  # fmt: skip


def _origin(rows: Sequence[Row], name: str) -> str:
    origins = {row["origin"] for row in rows if row["structure_id"] == name}
    order = (str(Origin.PARSED), str(Origin.RUN), str(Origin.ARCHIVE))
    return next(o for o in order if o in origins)


def table_of(edges: Sequence[str], kinds: Sequence[str]) -> Table:
    """Schema for these edges and elements."""
    of_edge = [
        column
        for e in edges
        for column in (
            Column(f"first_eV: {e}", "float", "eV", "first energy of the curves"),
            Column(f"step_eV: {e}", "float", "eV", "step of their energies"),
            Column(f"raw: {e}", "floats", "1/eV", "site mean, unit area"),
            Column(f"cdf: {e}", "floats", "", "cumulative sum, 0 to 1"),
            *(Column(f"{c}: {e}", "int", "", doc) for c, doc in COUNTS.items()),
        )
    ]
    absorbers = sorted({e.split()[0] for e in edges})
    near = [Column(f"nearest_A: {a}", "float", "Å", f"of {a}: mean over sites") for a in absorbers]
    shares = [Column(f"x_{e}", "float", "", f"{e} atoms over all atoms") for e in kinds]
    text = "sites without an atom that hold {} in another structure of the family and cell"
    empty = [Column(f"empty_{e}", "int", "", text.format(e)) for e in kinds]
    last = Column("calculation_ids", "strings", "", "calculations behind the row")
    return Table(TRAINING, (*_FIXED, *shares, *empty, *near, *of_edge, last))


def _row(
    cell: Row,
    averages: Mapping[str, Row],
    fidelity: Fidelity,
    made: Row | None,
    linked: Families,
    kinds: Sequence[str],
) -> Row:
    name, species = cell["structure_id"], list(cell["species"])
    empty = linked.empty.get(name)
    volume = abs(float(np.linalg.det(np.reshape(cell["lattice"], (3, 3)))))
    defect = made["defect"] if made else cell["defect"]
    row: Row = {
        "structure_id": name,
        "study": made["study"] if made else cell["study"],
        "engine": fidelity[0],
        "protocol": fidelity[1],
        "geometry_protocol": fidelity[2],
        "group": linked.group[name],
        "family": linked.family[name],
        "system": " ".join(sorted(set(species))),
        "formula": reduced(species),
        "defect": defect,
        "vacancies": _vacancies(defect) if made else None,
        "n_atoms": len(species),
        "volume": volume / len(species),
    }
    row |= {f"x_{e}": species.count(e) / len(species) for e in kinds}
    row |= {f"empty_{e}": None if empty is None else empty[e] for e in kinds}
    for edge, mean in averages.items():
        row |= _of_edge(edge, mean)
    for element in {edge.split()[0] for edge in averages}:
        row[f"nearest_A: {element}"] = nearest(cell, element)
    row["calculation_ids"] = [i for mean in averages.values() for i in mean["calculation_ids"]]
    return row


def _of_edge(edge: str, mean: Row) -> Row:
    energy = mean["energy_eV"]
    return {
        f"first_eV: {edge}": energy[0],
        f"step_eV: {edge}": round(energy[1] - energy[0], 9),
        f"raw: {edge}": mean["mu"],
        f"cdf: {edge}": cdf(np.array(mean["mu"])).tolist(),
        **{f"{c}: {edge}": mean[c] for c in COUNTS},
    }


def _vacancies(defect: str) -> int:
    """Vacant sites of a defect by its name, e.g. 2 of ``V_O + V_Ni``; 0 of the host."""
    return sum(part.strip().startswith("V_") for part in defect.split("+"))


def nearest(cell: Mapping[str, Any], element: str) -> float:
    """Distance from the sites of an element to their nearest atoms, mean over the sites, Å."""
    from pymatgen.core import Lattice, Structure

    structure = Structure(
        Lattice(np.reshape(cell["lattice"], (3, 3))), cell["species"],
        np.reshape(cell["coords"], (-1, 3)),
    )  # fmt: skip
    sites = [k for k, e in enumerate(cell["species"]) if e == element]
    radius = 4.0
    while True:
        centre, _, _, distance = structure.get_neighbor_list(radius, [structure[k] for k in sites])
        others = distance > OVERLAP  # an atom is in the list of its own neighbours
        centre, distance = centre[others], distance[others]
        if len(set(centre.tolist())) == len(sites):
            break
        radius *= 2
    return float(np.mean([distance[centre == k].min() for k in range(len(sites))]))
