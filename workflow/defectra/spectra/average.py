"""Site averages: aligned, broadened, normalised, weighted with the multiplicity of the orbit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.core.records import Status
from defectra.spectra.align import aligned, covered, declared, grid_of, points
from defectra.spectra.broaden import gaussian
from defectra.spectra.grid import Grid
from defectra.spectra.normalise import relative_rms, unit_area
from defectra.spectra.reach import SITE_KEY, ranges, rank, why_short

Row = dict[str, Any]
Rows = Iterable[Mapping[str, Any]]
_USABLE = (Status.OK, Status.UNCONVERGED)
_LEAST_COVERED = 0.5


def average_sites(
    calculations: Rows,
    spectra: Rows,
    structures: Rows,
    tasks: Rows,
    grids: Mapping[str, Grid],
    left_out: list[Row] | None = None,
) -> list[Row]:
    """Rows of the site_averages table.

    One row for each structure, geometry protocol, protocol and element-edge of which a task was
    planned or a calculation exists; sites without a spectrum, or with one that ends before its grid
    does, are counted as failed, spectra that are not self-consistent are kept and counted. If every
    site failed, `mu` is empty.

    Parameters
    ----------
    calculations, spectra, structures, tasks
        Rows of the tables of these names.
    grids
        Declared grid of each edge, e.g. ``"O K"``.
    left_out
        Gets ``source`` and ``reason`` of each spectrum that does not cover its grid.

    Raises
    ------
    TableError
        If a row belongs to no structure, an edge has no grid, or a declared shift leaves all
        spectra outside their grid.
    """
    cells = {row["structure_id"]: row for row in structures}
    curves = {row["calculation_id"]: row for row in spectra}
    sites = chosen_sites(calculations, tasks)
    _check_structures(sites, cells)
    done = on_their_grid(sites, curves, grids, left_out)
    on_grid = curves_on_grid(done, curves, grids)
    groups: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for key in sites:
        groups[key[:-1]].append(key)
    return [
        _average(group, {k: sites[k] for k in keys}, on_grid, cells[group[0]], grids)
        for group, keys in sorted(groups.items())
    ]


def chosen_sites(calculations: Rows, tasks: Rows) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """One row for each site asked for: its calculation, or its task if there is none.

    Of several calculations of a site the order is run, parsed, archive, then the better status.
    """
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in tasks:
        found[tuple(row[k] for k in SITE_KEY)] = row
    for row in calculations:
        key = tuple(row[k] for k in SITE_KEY)
        old = found.get(key)
        if old is None or "status" not in old or rank(row) < rank(old):
            found[key] = row
    return found


def usable(row: Mapping[str, Any], curves: Mapping[str, Any]) -> bool:
    """Whether a row of :func:`chosen_sites` has a spectrum."""
    return row.get("status") in _USABLE and row["calculation_id"] in curves


def on_their_grid(
    sites: Mapping[tuple[str, ...], Mapping[str, Any]],
    curves: Mapping[str, Mapping[str, Any]],
    grids: Mapping[str, Grid],
    left_out: list[Row] | None = None,
) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Sites of :func:`chosen_sites` whose spectrum covers the grid of its edge.

    Parameters
    ----------
    left_out
        Gets ``source`` and ``reason`` of each other spectrum.

    Raises
    ------
    TableError
        If an edge has no grid, or its spectra are long enough and still none covers half of it:
        then it is the declared shift or the grid that is wrong.
    """
    out: dict[tuple[str, ...], Mapping[str, Any]] = {}
    best: dict[str, tuple[float, Mapping[str, Any]]] = {}
    for key, row in sites.items():
        if not usable(row, curves):
            continue
        edge, curve = f"{key[3]} {key[4]}", curves[row["calculation_id"]]
        grid = grid_of(grids, key[3], key[4])
        reason = why_short(curve, grid, edge)
        ends = aligned([curve["energy_eV"][0], curve["energy_eV"][-1]], grid)
        half = _LEAST_COVERED * (grid.stop - grid.start)
        share = covered(ends, grid) if ends[1] - ends[0] >= half else 1.0
        if share > best.get(edge, (-1.0, curve))[0]:
            best[edge] = share, curve
        if not reason:
            out[key] = row
        elif left_out is not None:
            left_out.append({"source": row["calculation_id"][:16], "reason": reason})
    for edge, (share, curve) in best.items():
        if share < _LEAST_COVERED:
            grid = grids[edge]
            raise TableError(
                f"{ranges(curve, grid, edge)}: the energies are of another range, axis or unit; "
                f"correct --grid (of `defectra table`), or in the config edges.{edge}.shift, start "
                "or stop"
            )
    return out


def _check_structures(sites: Iterable[tuple[str, ...]], known: Mapping[str, Any]) -> None:
    unknown = sorted({key[0] for key in sites} - set(known))
    if unknown:
        raise TableError(
            f"{len(unknown)} structure(s) of the calculations or tasks are not in the structures "
            f"table, e.g. {unknown[0]}; run the rule gather again"
        )


def curves_on_grid(
    sites: Mapping[tuple[str, ...], Mapping[str, Any]],
    curves: Mapping[str, Mapping[str, Any]],
    grids: Mapping[str, Grid],
) -> dict[tuple[str, ...], NDArray[np.float64]]:
    """Aligned and broadened spectrum (edge step = 1) of each site on the grid of its edge."""
    by_edge: dict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)
    for key in sites:
        by_edge[key[3], key[4]].append(key)
    out: dict[tuple[str, ...], NDArray[np.float64]] = {}
    for (element, edge), keys in by_edge.items():
        grid = grid_of(grids, element, edge)
        rows = [curves[sites[k]["calculation_id"]] for k in keys]
        energy = aligned(_padded([r["energy_eV"] for r in rows]), grid)
        values = gaussian(energy, _padded([r["mu"] for r in rows]), points(grid), grid.fwhm)
        out.update(zip(keys, values))
    return out


def _padded(lists: list[list[float]]) -> NDArray[np.float64]:
    """Lists of numbers as rows, the last number repeated to the common length."""
    out = np.empty((len(lists), max(map(len, lists))))
    for row, values in zip(out, lists):
        row[: len(values)] = values
        row[len(values) :] = values[-1]
    return out


def _average(
    group: tuple[str, ...],
    sites: Mapping[tuple[str, ...], Mapping[str, Any]],
    on_grid: Mapping[tuple[str, ...], NDArray[np.float64]],
    cell: Mapping[str, Any],
    grids: Mapping[str, Grid],
) -> Row:
    structure_id, geometry_protocol, protocol, element, edge = group
    used = sorted(k for k in sites if k in on_grid)
    grid = grid_of(grids, element, edge)
    energy, done = points(grid), declared(grid)
    mean, scatter = _mean(energy, [on_grid[k] for k in used], [sites[k] for k in used])
    return {
        "structure_id": structure_id,
        "study": cell["study"],
        "geometry_protocol": geometry_protocol,
        "protocol": protocol,
        "element": element,
        "edge": edge,
        "energy_eV": energy.tolist(),
        "mu": mean.tolist(),
        "alignment": str(done.method),
        "shift_eV": done.shift,
        "shift_sd_eV": done.sd,
        "n_sites": list(cell["species"]).count(element),
        "n_computed": len(used),
        "n_unconverged": sum(sites[k]["status"] == Status.UNCONVERGED for k in used),
        "n_failed": len(sites) - len(used),
        "site_scatter": scatter,
        "calculation_ids": [sites[k]["calculation_id"] for k in used],
    }


def _mean(
    energy: NDArray[np.float64],
    values: list[NDArray[np.float64]],
    rows: list[Mapping[str, Any]],
) -> tuple[NDArray[np.float64], float]:
    """Weighted mean (1/eV), empty without sites; relative RMS of the sites about it, NaN of one."""
    if not values:
        return np.empty(0), float("nan")
    weight = np.array([r["multiplicity"] for r in rows], np.float64)
    sites = unit_area(energy, np.array(values))
    mean = unit_area(energy, np.average(sites, axis=0, weights=weight))
    scatter = np.sqrt(np.average(relative_rms(sites, mean) ** 2, weights=weight))
    return mean, float(scatter) if len(sites) > 1 else float("nan")
