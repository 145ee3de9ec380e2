"""Drift check of arrays: a seeded sample of archived patterns or images computed again.

``python -m defectra.campaign.drift_arrays STUDY --number 3`` compares each array of the sample with
what the archive holds, and ends with 1 if one differs by more than the tolerance, has another shape
or type, or could not be computed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.campaign.arrays import ArrayEngine, known_results
from defectra.campaign.drift_check import largest_difference
from defectra.campaign.engine import engine_named
from defectra.campaign.ledger import Ledger, Result
from defectra.campaign.request import Request, Row
from defectra.core.errors import EngineError
from defectra.core.number_types import number_from_0, positive
from defectra.core.records import Origin, Status

TOLERANCE = 1e-4  # relative RMS; single precision and another libm stay far below

# Of a row: calculation_id, engine, archived_version, engine_version, array, relative_rms, max_abs,
# status, message.
Known = tuple[Request, Result]
Engines = Callable[[str], Any]


def drawn(found: Iterable[Known], number: int, seed: int) -> list[Known]:
    """Seeded draw of archived results with arrays; the seed alone decides which."""
    kept = {
        request.calculation_id: (request, result)
        for request, result in found
        if result.row["origin"] == Origin.ARCHIVE
        and result.row["status"] == Status.OK
        and result.arrays is not None
    }
    names = sorted(kept)
    order = np.random.default_rng(seed).permutation(len(names))
    return [kept[names[k]] for k in order[:number]]


def compare(
    found: Iterable[Known], number: int, seed: int, engines: Engines = engine_named
) -> Iterator[Row]:
    """A row for each array of the sample; one failed row where nothing could be compared."""
    for request, result in drawn(found, number, seed):
        engine: ArrayEngine = engines(request.engine)
        head = {
            "calculation_id": request.calculation_id,
            "engine": request.engine,
            "archived_version": result.row["engine_version"],
            "engine_version": engine.version(),
        }
        assert result.arrays is not None
        then = result.arrays()
        try:
            outcome = engine.run(request, None)
            if outcome.status == Status.FAILED:
                raise EngineError(outcome.error_class, outcome.message)
            now = engine.read(outcome.files)
        except EngineError as error:
            yield head | _failed("", str(error))
            continue
        for name in sorted({*then, *now}):
            yield head | difference(name, then.get(name), now.get(name))


def difference(name: str, then: Any, now: Any) -> Row:
    """Largest and relative RMS difference of one array; failed if they cannot be compared.

    Relative to the root mean square of the archived one. Where that is zero, or where both are NaN,
    equal elements have no difference.
    """
    if then is None or now is None:
        return _failed(name, f"array {name} only {'now' if then is None else 'in the archive'}")
    if then.shape != now.shape or then.dtype != now.dtype:
        kinds = " and ".join(f"{a.dtype} {a.shape}" for a in (then, now))
        return _failed(name, f"array {name}: archived and computed now are {kinds}")
    kind = np.complex128 if np.iscomplexobj(then) else np.float64
    one, other = (np.asarray(a).astype(kind) for a in (then, now))
    known = np.isfinite(one)
    if (known != np.isfinite(other)).any():
        return _failed(name, f"array {name}: other elements are not finite")
    off, size = np.abs(other[known] - one[known]), np.abs(one[known])
    largest = float(off.max(initial=0.0))
    scale = float(np.sqrt(np.mean(size**2))) if size.size else 0.0
    rms = float(np.sqrt(np.mean(off**2))) if off.size else 0.0
    relative = rms / scale if scale > 0 else float(np.inf if largest > 0 else 0.0)
    if not np.isfinite(relative):
        return _failed(name, f"array {name} was zero throughout and is not any more")
    return {"array": name, "relative_rms": relative, "max_abs": largest,
            "status": str(Status.OK), "message": ""}  # fmt: skip


def _failed(name: str, message: str) -> Row:
    return {"array": name, "relative_rms": np.nan, "max_abs": np.nan,
            "status": str(Status.FAILED), "message": message}  # fmt: skip


def verdict(rows: Sequence[Mapping[str, Any]], tolerance: float) -> tuple[bool, str]:
    """Whether the sample agrees, and a sentence; an empty sample does not."""
    estimate, reasons = largest_difference(rows, "relative_rms")
    if not rows:
        return False, "the archive holds no arrays that the config asks for: nothing was compared"
    if not np.isfinite(estimate.value):
        return False, f"could not be compared: {reasons}"
    text = f"largest relative RMS difference of {estimate.n} arrays: {estimate.value:.3g}"
    return estimate.value <= tolerance, f"{text}, tolerance {tolerance:g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module."""
    from defectra.campaign.studies import archive_of, families_of, requests_of
    from defectra.core.config import load
    from defectra.core.paths import CONFIG

    parser = argparse.ArgumentParser(description="Archived arrays of a study, computed again.")
    parser.add_argument("study")
    parser.add_argument("--config", type=Path, default=CONFIG / "config.yaml")
    parser.add_argument("--number", type=positive, default=3, help="calculations of the sample")
    parser.add_argument("--tolerance", type=number_from_0, default=TOLERANCE, help="relative RMS")
    chosen = parser.parse_args(arguments)
    config = load(chosen.config)
    ledger = Ledger(requests_of(chosen.study).kinds, archive_of(chosen.study, config), [], {})
    found = known_results(families_of(chosen.study, config), ledger)
    rows = list(compare(found, chosen.number, config.seed))
    for row in rows:
        print(*(f"{k}={row[k]}" for k in ("calculation_id", "array", "relative_rms", "message")))
    good, text = verdict(rows, chosen.tolerance)
    print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
