"""Features of 100,000 spectra, and peak fits beside scipy: ``python -m benchmarks.features``.

CPU seconds (user + system), so that other work on the machine does not count; 60 s on two cores
are 120 of them (``Peaks(jobs=2)`` runs on two threads). The spectra are Cu K of the mirror
(OmniXAS, FEFF9; ``DEFECTRA_MIRROR`` or ``../shared/data``) on 100 points, broadened, maximum 1;
to fill the number, mixtures of pairs of them, shifted. Without a mirror they are synthetic. The
peer fits the same 20 Gaussians from the same start with ``curve_fit``; where it gives up after
its default number of calls, what it had by then counts. ``--quick``: a twentieth.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import line
from defectra.learn.gaussian_sums import evaluate
from defectra.learn.signed_gaussian_sums import fit_free, narrow_start
from defectra.learn.spectral import Cwt, Intensity, Peaks
from defectra.spectra.broaden import gaussian

Floats = NDArray[np.float64]
POINTS, COUNT = 100, 20
LIMIT_S, FASTER = 120.0, 20.0
FREE = 120  # iterations of the free fit
ARCHIVE = "spectra/omnixas/feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz"


def real_spectra(number: int) -> tuple[Floats, str]:
    """Spectra of the mirror on 8,980 to 9,020 eV, FWHM 1.5 eV; synthetic ones without it."""
    path = Path(os.environ.get("DEFECTRA_MIRROR", "../shared/data")) / ARCHIVE
    if not path.exists():
        return synthetic(number), "synthetic (no mirror)"
    grid = np.linspace(8980.0, 9020.0, POINTS)
    rows: list[Floats] = []
    with tarfile.open(path) as archive:
        for member in archive:
            source = archive.extractfile(member) if member.name.endswith("xmu.dat") else None
            if source is not None:
                data = np.loadtxt(io.StringIO(source.read().decode()))
                rows.append(gaussian(data[:, 0], data[:, 3], grid, 1.5))
            if len(rows) == number:
                break
    found = np.array(rows)
    return found / found.max(axis=1, keepdims=True), "Cu K, OmniXAS"


def synthetic(number: int) -> Floats:
    """A step and six peaks at random, seeded."""
    rng = np.random.default_rng(3)
    x = np.linspace(0.0, 40.0, POINTS)[None, :]
    out = 0.5 + np.arctan((x - rng.uniform(4, 10, (number, 1))) / 1.5) / np.pi
    for _ in range(6):
        centre, width = rng.uniform(5, 38, (number, 1)), rng.uniform(1, 4, (number, 1))
        out = out + rng.uniform(0, 0.8, (number, 1)) * np.exp(-(((x - centre) / width) ** 2))
    return out / out.max(axis=1, keepdims=True)


def many(spectra: Floats, number: int) -> Floats:
    """Random mixtures of pairs of spectra, shifted by up to 1 eV: no two are the same."""
    rng = np.random.default_rng(5)
    a, b = rng.integers(len(spectra), size=(2, number))
    weight = rng.uniform(0.0, 1.0, (number, 1))
    mixed = weight * spectra[a] + (1.0 - weight) * spectra[b]
    shift = rng.uniform(-2.5, 2.5, (number, 1))  # grid steps
    at = np.clip(np.arange(POINTS)[None, :] + shift, 0, POINTS - 1.001)
    low = at.astype(np.int64)
    rows, part = np.arange(number)[:, None], at - low
    moved = mixed[rows, low] * (1 - part) + mixed[rows, low + 1] * part
    return moved / moved.max(axis=1, keepdims=True)


def throughput(base: Floats, number: int, source: str) -> None:
    """All four features of `number` spectra in blocks, fitted on the spectra they come from."""
    from defectra.learn.features import Cdf

    values = many(base, number)
    spent = dict.fromkeys(("intensity", "cdf", "cwt", "peaks"), 0.0)
    tools: dict[str, Any] = {"intensity": Intensity(), "cdf": Cdf(), "cwt": Cwt(), "peaks": Peaks()}
    tools["peaks"].fit(base[:2]).transform(base[:2])  # compilation does not count
    learnt = _timed(lambda: [tool.fit(base) for tool in tools.values()])[0]
    residual = []
    for start in range(0, number, 10_000):
        block = values[start : start + 10_000]
        for name, tool in tools.items():
            seconds, out = _timed(lambda tool=tool, block=block: tool.transform(block))
            spent[name] += seconds
        peaks = out.reshape(len(block), 3, COUNT).transpose(0, 2, 1)
        residual.append(_rms(peaks, block))
    scale = 100_000 / number
    parts = ", ".join(f"{k} {v * scale:.1f}" for k, v in spent.items())
    text = f"{source}; measured on {number}: {parts}; fitting on {len(base)}: {learnt:.1f} s; "
    text += f"residual of the peaks, median RMS {np.median(np.concatenate(residual)):.1e}"
    total = learnt + scale * sum(spent.values())
    line("100,000 spectra to four features", total, "s CPU", limit=LIMIT_S, check=text)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    out = call()
    return time.process_time() - start, out


def _rms(peaks: Floats, spectra: Floats) -> Floats:
    return np.sqrt(((evaluate(peaks, spectra.shape[1]) - spectra) ** 2).mean(axis=1))


def beside_scipy(base: Floats, number: int) -> None:
    """Same spectra, same 20 Gaussians, same start, ours and curve_fit's one after the other.

    The start has narrow Gaussians, from which both go furthest, and non-negative heights. Ours
    are the free fit (heights of any sign, as curve_fit has them) and the fast non-negative one
    that is the feature.
    """
    test = base[:: max(1, len(base) // number)][:number]
    start = _start(test)
    peer_s, results = _timed(lambda: [_curve_fit(y, p) for y, p in zip(test, start)])
    peer = np.array([r[0] for r in results])
    gave_up, negative = sum(r[1] for r in results), sum(r[2] for r in results)
    remark = f"curve_fit gave up on {gave_up} of {len(test)}, {negative} negative heights"
    fast = Peaks(COUNT)
    for name, limit, call in (
        (f"free, {FREE} iterations", True, lambda v: fit_free(v, COUNT, FREE)),
        (f"non-negative, {fast.iterations} iterations", False, fast.fitted),
    ):
        call(test[:2])  # compilation does not count
        ours_s, peaks = _timed(lambda call=call: call(test))
        _print_pair(name, (ours_s, peer_s), (_rms(peaks, test), peer), remark, asked=limit)


def _print_pair(
    name: str, seconds: tuple[float, float], rms: tuple[Floats, Floats], remark: str, *, asked: bool
) -> None:
    ours, peer = rms
    number = len(ours)
    text = f"RMS ours median {np.median(ours):.2e}, mean {ours.mean():.2e}; curve_fit "
    text += f"{np.median(peer):.2e}, {peer.mean():.2e}; ours no larger on "
    text += f"{int((ours <= peer).sum())} of {number}; {remark}"
    values = {"peer": "scipy curve_fit, 20 Gaussians", "check": text, "limit_on_ratio": True}
    line(
        f"20 Gaussians, {name}: time",
        1e3 * seconds[0] / number,
        "ms CPU a spectrum",
        peer_value=1e3 * seconds[1] / number,
        limit=1 / FASTER,
        **values,
    )
    line(
        f"20 Gaussians, {name}: residual",
        float(ours.mean()),
        "RMS, maximum = 1",
        peer_value=float(peer.mean()),
        limit=1.0 if asked else None,
        **values,
    )


def _start(spectra: Floats) -> Floats:
    """Heights (non-negative least squares), centres, widths, shape (n, count, 3)."""
    from scipy.optimize import nnls

    start = narrow_start(COUNT, spectra.shape[1])
    x = np.arange(float(spectra.shape[1]))[:, None]
    shape = np.exp(-0.5 * ((x - start[:, 0]) / start[:, 1]) ** 2)
    heights = np.array([nnls(shape, y)[0] for y in spectra])
    return np.dstack([heights, np.broadcast_to(start, (len(spectra), *start.shape))])


def _curve_fit(values: Floats, start: Floats) -> tuple[float, bool, int]:
    """RMS, whether it gave up, negative heights; what curve_fit runs, kept where it gives up."""
    from scipy.optimize import leastsq

    x = np.arange(float(len(values)))

    def rest(p: Floats) -> Floats:
        height, centre, width = p.reshape(3, -1, 1)
        return (height * np.exp(-0.5 * ((x - centre) / width) ** 2)).sum(axis=0) - values

    # curve_fit with method "lm" is this call; it raises where the last number is above 4.
    given = start.T.ravel()
    p, _, _, _, code = leastsq(rest, given, full_output=True, maxfev=200 * (len(given) + 1))
    rms = float(np.sqrt((rest(p) ** 2).mean()))
    return rms, code not in (1, 2, 3, 4), int((p[: len(start)] < 0).sum())


def main(arguments: list[str]) -> None:
    """``--quick``: a twentieth of the spectra, and fewer beside scipy."""
    quick = "--quick" in arguments
    base, source = real_spectra(300 if quick else 1000)
    throughput(base, 5_000 if quick else 100_000, source)
    beside_scipy(base, 5 if quick else 20)


if __name__ == "__main__":
    main(sys.argv[1:])
