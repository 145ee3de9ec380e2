"""The published two-fidelity study: error against training size, hosts left out in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.fidelity import METHODS, Pair
from defectra.structures.elements import NAMES, element
from defectra.studies.levels.published import HSE, PBE
from defectra.studies.levels.settings import Multifidelity

Row = dict[str, Any]
Floats = NDArray[np.float64]
CURVE_COLUMNS = [
    *("method", "split", "fraction", "repeat", "n_hse", "n_pbe", "n_test"),
    *("rmse_eV", "mae_eV", "rmse_groups_eV", "reason"),
]
_LEAST = 10  # levels of each fidelity that a model is asked to learn from
NAN = float("nan")


def descriptors(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """Descriptors of Foundry rows, scaled; shape (n, p). The scale is no label."""
    sites = sorted({str(r["site"]) for r in rows})
    table = np.array([_one(r, sites) for r in rows])
    width = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(width > 0, width, 1.0))


def _one(row: Mapping[str, Any], sites: Sequence[str]) -> list[float]:
    own, first, second = (
        element(str(row[k])) for k in ("impurity", "host_element_a", "host_element_b")
    )
    out = [own[n] for n in NAMES]
    out += [own[n] - e[n] for e in (first, second) for n in ("electronegativity", "radius")]
    out += [row["host bandgap"], row["host lattice constant"], row["host_epsilon"]]
    out += [float(row["charge_from"])] * 3
    return [*out, *(2.0 * (str(row["site"]) == s) for s in sites)]


def curves(rows: Sequence[Mapping[str, Any]], settings: Multifidelity, seed: int) -> list[Row]:
    """Learning curves of every method; one row with a reason if there is too little data.

    Each host with HSE levels is left out in turn, with both its fidelities; the HSE levels of the
    other hosts are thinned to each fraction, their PBE levels are all kept. The PBE level of the
    left-out host is not used: the methods are asked for what costs nothing.
    """
    pbe = np.array([float(r[PBE]) for r in rows])
    hse = np.array([float(r[HSE]) for r in rows])
    hosts = np.array([str(r["host_material"]) for r in rows])
    known = np.isfinite(hse)
    if known.sum() < _LEAST or len(set(hosts[known])) < 3:
        reason = f"{int(known.sum())} HSE levels in {len(set(hosts[known]))} hosts: too few"
        return [_row("all", (NAN, 0, int(known.sum()), 0), (NAN, NAN, NAN), 0, reason)]
    x = descriptors(rows)
    out = []
    for fraction in settings.fractions:
        for repeat in range(settings.repeats if fraction < 1 else 1):
            generator = np.random.default_rng([seed, repeat])
            kept = known & (generator.random(len(rows)) < fraction)
            out += list(_one_draw(x, (pbe, hse), hosts, kept, (fraction, repeat)))
    return out


def _one_draw(
    x: Floats,
    levels: tuple[Floats, Floats],
    hosts: NDArray[np.str_],
    kept: NDArray[np.bool_],
    draw: tuple[float, int],
) -> Iterator[Row]:
    pbe, hse = levels
    answers = {name: np.full(len(hse), np.nan) for name in METHODS}
    for host in sorted(set(hosts[np.isfinite(hse)])):
        test = (hosts == host) & np.isfinite(hse)
        high, low = kept & (hosts != host), np.isfinite(pbe) & (hosts != host)
        if high.sum() < _LEAST or low.sum() < _LEAST:
            continue
        unknown = np.full(int(test.sum()), np.nan)
        pair = Pair(x[low], pbe[low], x[high], hse[high], pbe[high], x[test], unknown)
        for name, method in METHODS.items():
            answers[name][test] = method(pair)
    for name, value in answers.items():
        done = np.isfinite(value)
        sizes = (draw[0], draw[1], int(kept.sum()), int(np.isfinite(pbe).sum()))
        yield _row(name, sizes, _errors(value[done] - hse[done], hosts[done]), int(done.sum()), "")


def _errors(error: Floats, hosts: NDArray[np.str_]) -> tuple[float, float, float]:
    """Pooled RMSE, MAE, and RMSE averaged over hosts."""
    if not len(error):
        return NAN, NAN, NAN
    each = [float(np.sqrt((error[hosts == h] ** 2).mean())) for h in sorted(set(hosts))]
    return float(np.sqrt((error**2).mean())), float(np.abs(error).mean()), float(np.mean(each))


def _row(
    method: str,
    sizes: tuple[float, int, int, int],
    errors: tuple[float, float, float],
    n_test: int,
    reason: str,
) -> Row:
    return {
        "method": method,
        "split": "host_out",
        "fraction": sizes[0],
        "repeat": sizes[1],
        "n_hse": sizes[2],
        "n_pbe": sizes[3],
        "n_test": n_test,
        "rmse_eV": errors[0],
        "mae_eV": errors[1],
        "rmse_groups_eV": errors[2],
        "reason": reason,
    }
