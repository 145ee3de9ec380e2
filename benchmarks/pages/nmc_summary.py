"""What study `nmc` found, in a few sentences: for the README and the top of ``docs/nmc.md``.

RMSE: root mean square error; AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.pages.nmc_looks import history
from defectra.core.claims import Estimate, Rows, estimate
from defectra.core.config import load
from defectra.core.paths import PROJECT
from defectra.core.records import Metric, Split
from defectra.studies.nmc.aims import AIM, LEAST, MCNEMAR
from defectra.studies.nmc.blocks.claims import (
    ALL_EDGES,
    MINUS,
    best_single,
    content,
    does_it,
    gain,
    mcnemar,
    score,
    single_edges,
    smallest,
)
from defectra.studies.nmc.blocks.controls import CONTENTS as CONTENTS_ALONE
from defectra.studies.nmc.blocks.controls import CONTROLS, VOLUME
from defectra.studies.nmc.blocks.evaluate import BOTH, KERNEL
from defectra.studies.nmc.blocks.fresh import FIRST
from defectra.studies.nmc.blocks.fresh_checks import fresh
from defectra.studies.nmc.blocks.scores import ALL_ARMS, CLAIMED, ELECTRONS, SHAPE
from defectra.studies.nmc.first.volume import BESIDE, OVER, RIDGE
from defectra.studies.nmc.first.volume_checks import in_first
from defectra.studies.nmc.scorecard import CONTENTS

PLANNED = load(PROJECT / "config/config.yaml").nmc.blocks.count
SHOWN = {"reproduced": "is shown", "holds": "is shown"} | dict.fromkeys(
    ("not reproduced", "fails"), "is contradicted"
)
NOT = "is not shown"


def shown(found: Estimate, digits: int = 2) -> str:
    """A number with its interval, if one is known."""
    if found.n == 0:
        return "not computed"
    if math.isnan(found.lo) and math.isnan(found.hi):
        return f"{found.value:.{digits}f} (no interval)"
    return f"{found.value:.{digits}f} [{found.lo:.{digits}f}, {found.hi:.{digits}f}]"


def summary(scorecard: Rows, checks: Rows, metrics: Rows) -> str:
    """What came out: a sentence that says of what, and a list."""
    blocks = score(metrics, CLAIMED[0]).n
    head = (
        f"**What {blocks} blocks of four computed cells say** (of {PLANNED} planned; intervals of "
        "90 %, not corrected for looks at fewer blocks before):"
    )
    lines = [
        *_single(metrics),
        *_volume(metrics),
        *_defects(scorecard, metrics),
        *_fresh(metrics),
        *_own_cell(checks),
        *_other_reasons(checks, metrics),
        *_contents(checks, metrics),
        *_electrodes(scorecard, checks),
    ]
    return "\n".join([head, "", *(f"- {line}" for line in lines)])


def _single(metrics: Rows) -> Iterator[str]:
    """Single edges that reach the aim of all edges by themselves; nothing if none does."""
    parts = []
    for pair in CLAIMED:
        found = {e: score(metrics, pair, SHAPE + e) for e in does_it(metrics, pair, AIM, LEAST)}
        if found:
            edges = ", ".join(f"{edge} {shown(own)}" for edge, own in found.items())
            parts.append(f"{pair.target}, AUROC by {edges}")
    if parts:
        yield (
            f"**A single edge suffices** by the aim that was fixed for all edges (AUROC at least "
            f"{AIM:.2f}, lower end {LEAST:.2f}): {'; '.join(parts)}. That no single edge detects "
            "these defects is contradicted."
        )


def _volume(metrics: Rows) -> Iterator[str]:
    """Spectra beside cell volume and contents, where these could detect a defect."""
    targets = [pair.target for pair in CLAIMED]
    if any(in_first(metrics, t, f).n == 0 for t in targets for f in (OVER, BESIDE)):
        return
    parts = [
        f"{t}, AUROC {shown(in_first(metrics, t))} from the spectra, "
        f"{shown(in_first(metrics, t, VOLUME, RIDGE))} from volume and contents; the gain over "
        f"them {_gained(in_first(metrics, t, OVER))}, that of both together over them "
        f"{_gained(in_first(metrics, t, BESIDE))}"
        for t in targets
    ]
    yield (
        "**Do spectra detect a defect better than cell volume and contents?** The pairs of the "
        "blocks cannot tell: both cells have the same volume and contents, which have an AUROC of "
        "0.5 by design. In the structures of the first campaign, whose volume carries the label: "
        f"{'; '.join(parts)}."
    )


def _gained(found: Estimate) -> str:
    words = "is shown" if found.lo > 0 else "is contradicted" if found.hi < 0 else "is not shown"
    return f"{words} ({shown(found)})"


def _defects(scorecard: Rows, metrics: Rows) -> Iterator[str]:
    for pair in CLAIMED:
        best, found = best_single(metrics, pair), score(metrics, pair)
        edge = max(single_edges(metrics), key=lambda e: score(metrics, pair, SHAPE + e).value,
                   default="none")  # fmt: skip
        beaten = SHOWN.get(_verdict(scorecard, "claim_id", f"{pair.target}_gain"), NOT)
        alone = SHOWN.get(_verdict(scorecard, "claim_id", f"{pair.target}_no_single_edge"), NOT)
        p = mcnemar(metrics, pair)
        yield (
            f"**{pair.target.capitalize()}** against the pristine cell: AUROC {shown(found)} from "
            f"all five edges, {best.value:.2f} from the best single one ({edge}). That all edges "
            f"together detect it better than each single one {beaten} (smallest gain "
            f"{shown(gain(metrics, pair), 3)}; {history(pair.name, found.n)}). That every single "
            f"edge alone stays below an AUROC of {AIM:.2f} {alone} (largest upper end "
            f"{best.hi:.2f}). "
            f"McNemar's test of the pairs won finds {'a' if p.value < MCNEMAR else 'no'} "
            f"difference (largest p {p.value:.2g})."
        )


def _fresh(metrics: Rows) -> Iterator[str]:
    """Late fusion on the blocks that were not looked at before."""
    found = [fresh(metrics, pair) for pair in CLAIMED]
    if any(f.n == 0 for f in found):
        return
    parts = []
    for pair, own in zip(CLAIMED, found):
        least = smallest([fresh(metrics, pair, MINUS + e) for e in single_edges(metrics)])
        parts.append(
            f"{pair.target} {shown(own)}, smallest gain over a single edge {shown(least, 3)}"
        )
    yield (
        "The mean of the answers of the five single edges was better than their joint model in "
        f"the first {FIRST} blocks; a test of it was fixed for the blocks after them. On these "
        f"{found[0].n}: AUROC {'; '.join(parts)}."
    )


def _other_reasons(checks: Rows, metrics: Rows) -> Iterator[str]:
    won = score(metrics, ELECTRONS, metric=Metric.WIN_RATE)
    known = [
        score(metrics, ELECTRONS, CONTENTS_ALONE, Metric.WIN_RATE, m)
        for m in CONTROLS[CONTENTS_ALONE]
    ]
    yield (
        f"Against a cell with as many electrons the vacancy wins {shown(won)} of its pairs. This "
        "says little of the vacancy: that cell has more lithium, and contents alone win "
        f"{max(k.value for k in known):.2f}."
    )
    values = {t: detecting(checks, t) for t in dict.fromkeys(p.target for p in CLAIMED)}
    if any(values.values()):
        largest = ", ".join(f"{t} {max(v):.2f}" for t, v in values.items() if v)
        yield (
            "**A negative control fails**: how the calculations went, without any spectrum, "
            f"detects the defects too (largest AUROC: {largest}): a cell with a defect takes "
            "longer to relax. No spectrum carries these times."
        )
    codes = [r for r in checks if str(r["check_id"]).endswith("_second_code") and int(r["n"])]
    if codes and not any(r["verdict"] == "holds" for r in codes):
        parts = [
            f"{str(r['check_id']).removesuffix('_second_code')} {_ends(r)}, "
            + ("contradicted" if r["verdict"] == "fails" else "not shown")
            for r in codes
        ]
        yield (
            "That GPAW, with a core hole in the cell, changes O K by a defect as FEFF does "
            f"(correlation of the changes, {max(int(r['n']) for r in codes)} blocks): "
            f"{'; '.join(parts)}."
        )


def _own_cell(checks: Rows) -> Iterator[str]:
    """Vacancies whose cells are relaxed, where some were computed."""
    for row in checks:
        if row["check_id"] == "vacancy_own_cell" and int(row["n"]):
            found = Estimate(*(float(row[k]) for k in ("ours", "lo", "hi")), int(row["n"]))
            yield (
                "A vacancy whose cell is relaxed, against the pristine structure at that volume, "
                "by a model that knows vacancies in the pristine cell alone: share of pairs won "
                f"{shown(found)} ({found.n} blocks). That it is detected there as well "
                f"{SHOWN.get(str(row['verdict']), NOT)}; the two cells differ in shape as well."
            )


def _contents(checks: Rows, metrics: Rows) -> Iterator[str]:
    def numbers(features: str) -> str:
        return ", ".join(f"{content(metrics, t, features).value:.3f}" for t in CONTENTS)

    aim = next((r for r in checks if r["check_id"] == "x_Li_rmse_shape"), None)
    words = f" (aim for Li {float(aim['bound']):.2f}: {aim['verdict']})" if aim else ""
    left_out = estimate(
        metrics,
        target="x_Li",
        subset=f"blocks: {ALL_ARMS}",
        split=Split.LITHIUM_OUT,
        features=ALL_EDGES,
        metric=Metric.RMSE,
        model=KERNEL,
    )
    if left_out.n:
        words += f", Li {left_out.value:.3f} where a whole lithium content was left out"
    yield (
        f"Li, Ni, Mn, Co per metal atom, RMSE: from shapes alone {numbers(ALL_EDGES)}{words}; with "
        f"edge intensities of 5 % error {numbers(BOTH)}. These intensities are calculated from the "
        "counts of atoms: the numbers say what such an error costs, and are not compared with an "
        "experiment."
    )


def _electrodes(scorecard: Rows, checks: Rows) -> Iterator[str]:
    own = _row(checks, "check_id", "experiment_x_Li_kernel")
    if own is None or not int(own["n"]):
        return
    text = (
        f"Lithium of the measured electrodes of {int(own['n'])} cells from Ni K, by the model of "
        f"the blocks: RMSE {_ends(own)} (aim {float(own['bound']):.2f}: {own['verdict']})."
    )
    less = _row(scorecard, "claim_id", "experiment_x_Li")
    if less is not None and int(less["n"]):
        text += (
            f" Its difference from that of the peak position (baseline): {_ends(less)}; "
            f"{int(less['n'])} cells are too few for a conclusion."
        )
    line = _row(checks, "check_id", "experiment_x_Li_series")
    if line is not None and int(line["n"]):
        text += (
            " By the slope of a computed lithium series, a method that was chosen after these "
            f"errors were seen: {_ends(line)}; its slope depends on the stoichiometry that FEFF is "
            "given (`docs/nmc.md`)."
        )
    yield text


def _ends(row: Mapping[str, Any]) -> str:
    return f"{float(row['ours']):.3f} [{float(row['lo']):.3f}, {float(row['hi']):.3f}]"


def _row(rows: Rows, key: str, name: str) -> Mapping[str, Any] | None:
    return next((r for r in rows if r[key] == name), None)


def _verdict(rows: Rows, key: str, name: str) -> str:
    found = _row(rows, key, name)
    return "" if found is None else str(found["verdict"])


def detecting(checks: Rows, target: str) -> list[float]:
    """AUROC of each negative control from metadata that detects a defect."""
    return [
        float(r["ours"])
        for r in checks
        if str(r["check_id"]).startswith("negative_control_metadata")
        and str(r["check_id"]).endswith(target)
        and r["verdict"] == "fails"
    ]
