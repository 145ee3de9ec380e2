"""Checks of study `nmc`: bounds of our own and negative controls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from defectra.campaign.drift_check import largest_difference
from defectra.core.claims import Check, Control, Estimate, Row, Rows, estimate
from defectra.core.records import Metric
from defectra.studies.nmc.aims import AIM, INTENSITY_AIM, LEAST, LITHIUM_AIM, MCNEMAR
from defectra.studies.nmc.blocks.claims import (
    ALL_EDGES,
    NO_BLOCKS,
    content,
    level_bound,
    mcnemar,
    over,
    score,
)
from defectra.studies.nmc.blocks.controls import CONTENTS as CONTENTS_ALONE
from defectra.studies.nmc.blocks.controls import (
    CONTROLS,
    METADATA,
    OF_SPECTRA,
    PERMUTED,
    UNTIMED,
    VOLUME,
)
from defectra.studies.nmc.blocks.convergence import ALL_EDGES as ALL_JOINED
from defectra.studies.nmc.blocks.convergence import CONVERGED, MEAN
from defectra.studies.nmc.blocks.core_hole import CHANGES
from defectra.studies.nmc.blocks.evaluate import BOTH, INTENSITY, KERNEL
from defectra.studies.nmc.blocks.fresh_checks import fresh_checks
from defectra.studies.nmc.blocks.images import ALIKE
from defectra.studies.nmc.blocks.own_cells import SAME_VOLUME
from defectra.studies.nmc.blocks.scores import CLAIMED, ELECTRONS, Pair
from defectra.studies.nmc.blocks.second_relaxer import FIRST, SECOND
from defectra.studies.nmc.blocks.shells import FALL, SHELLS
from defectra.studies.nmc.blocks.weight_checks import weight_checks
from defectra.studies.nmc.first.volume_checks import CHANCE, volume_checks
from defectra.studies.nmc.lithium import FIXED, NI_MEAN, O_PRE_EDGE, RELAXATION, TOTAL
from defectra.studies.nmc.measured.checks import electrode_checks, energy_loss_checks
from defectra.studies.nmc.scorecard import CONTENTS, reason

_check = partial(Check, study="nmc")
_control = partial(Control, study="nmc")
LARGEST_DRIFT = 1e-3


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Tables that the checks are about; one that is empty makes its checks open.

    Attributes
    ----------
    metrics, lithium, drift, experiment, energy_loss
        Rows of ``metrics.csv``, ``lithium.csv``, the drift table, ``experiment.csv``,
        ``energy_loss.csv``.
    relaxers, own_cells, codes, images
        Rows of ``comparison.csv`` of ``second_relaxer``, ``own_cells``, ``core_hole`` and
        ``larger_cells``.
    shells, convergence, weights
        Rows of ``blocks/shells.csv``, ``blocks/convergence.csv``, ``blocks/weights.csv``.
    """

    metrics: Rows = ()
    lithium: Rows = ()
    drift: Rows = ()
    experiment: Rows = ()
    relaxers: Rows = ()
    own_cells: Rows = ()
    codes: Rows = ()
    shells: Rows = ()
    images: Rows = ()
    energy_loss: Rows = ()
    convergence: Rows = ()
    weights: Rows = ()


def checks(tables: Tables) -> list[Row]:
    """Rows of ``checks.csv``."""
    t = tables
    own: list[Check | Control] = [*volume_checks(t.metrics), *_lithium(t.lithium)]
    own += [*_contents(t.metrics), *_defects(t.metrics)]
    own += fresh_checks(t.metrics)
    own += [*_second_relaxer(t.relaxers), _own_cells(t.own_cells)]
    own += [*_second_code(t.codes), *_converged(t.convergence)]
    own += [*_shells(t.shells), *_images(t.images), *_controls(t.metrics)]
    own += weight_checks(t.weights)
    own += [*electrode_checks(t.experiment), *energy_loss_checks(t.energy_loss), _drift(t.drift)]
    return [c.row() for c in own]


def _lithium(rows: Rows) -> Iterator[Check]:
    for part in (FIXED, RELAXATION):
        yield _check(
            check_id=f"ni_k_shift_{part.split()[0]}",
            check=f"Ni K main peak, lithium 1.0 to 0.2: part of {part} moves it up",
            bound=0.0,
            sense="above",
            ours=estimate(rows, "n_orderings", quantity=NI_MEAN, part=part),
            unit="eV",
            fails_if=f"the part of {part} does not move the peak, or moves it down",
            missing=reason(rows, NI_MEAN, part),
        )
    yield _check(
        check_id="o_k_pre_edge",
        check="O K pre-edge grows as lithium leaves (ratio of areas)",
        bound=1.0,
        sense="above",
        ours=estimate(rows, "n_orderings", quantity=O_PRE_EDGE, part=TOTAL),
        fails_if="the pre-edge keeps its area or loses some",
        missing=reason(rows, O_PRE_EDGE, TOTAL),
    )


def _contents(rows: Rows) -> Iterator[Check]:
    for target in CONTENTS:
        yield _check(
            check_id=f"{target}_skill",
            check=f"{target} from the shape of all edges beats the training mean (skill)",
            bound=0.0,
            sense="above",
            ours=content(rows, target, ALL_EDGES, Metric.SKILL),
            fails_if="the spectra predict it no better than the mean of the training rows",
            missing=NO_BLOCKS,
        )
        for features, model, how in (
            (INTENSITY, "k-factors", "intensities"),
            (BOTH, KERNEL, "both"),
        ):
            yield _check(
                check_id=f"{target}_rmse_{how}",
                check=f"{target} by {how}, 5 % error of an intensity (RMSE)",
                bound=INTENSITY_AIM,
                sense="at most",
                ours=content(rows, target, features, model=model),
                unit="per metal",
                fails_if="the error of the intensities, or the varying areas, cost more",
                missing=NO_BLOCKS,
            )
    yield _check(
        check_id="x_Li_rmse_shape",
        check="x_Li from the shape of all edges, 0.5 eV jitter of each axis (RMSE)",
        bound=LITHIUM_AIM,
        sense="at most",
        ours=content(rows, "x_Li", ALL_EDGES),
        unit="per metal",
        fails_if="too few blocks, or the edges do not determine the lithium that well",
        missing=NO_BLOCKS,
    )


def _defects(rows: Rows) -> Iterator[Check]:
    for pair in CLAIMED:
        yield from _of_pair(rows, pair)
    yield _electrons_matched(rows)


def _of_pair(rows: Rows, pair: Pair) -> Iterator[Check]:
    """How well all edges detect a defect, beside single edges and models that see no spectrum."""
    found = score(rows, pair)
    yield _check(
        check_id=f"{pair.target}_level",
        check=f"{pair.name}, all edges (AUROC; lower end 0.85 if the value reaches 0.90)",
        bound=level_bound(found, AIM, LEAST),
        sense="at least",
        ours=found,
        fails_if="five edges with 0.5 eV of jitter do not detect the defect that well",
        missing=NO_BLOCKS,
    )
    yield _check(
        check_id=f"{pair.target}_mcnemar",
        check=f"{pair.name}: all edges win more pairs than each one (McNemar, largest p)",
        bound=MCNEMAR,
        sense="below",
        ours=mcnemar(rows, pair),
        fails_if="",
        blind=_no_difference(mcnemar(rows, pair)),
        missing=NO_BLOCKS,
    )
    for control in (METADATA, OF_SPECTRA, UNTIMED):
        yield _check(
            check_id=f"{pair.target}_over_{control.replace(' ', '_')}",
            check=f"{pair.name}: all edges detect it better than {control} (smallest gain, AUROC)",
            bound=0.0,
            sense="above",
            ours=over(rows, pair, control, CONTROLS[control]),
            fails_if=f"{control} alone ranks the defect as well as the spectra",
            missing=NO_BLOCKS,
        )


def _electrons_matched(rows: Rows) -> Check:
    return _check(
        check_id="vacancy_electron_matched",
        check=f"{ELECTRONS.name}, the arm with as many electrons: share of pairs won by all edges",
        bound=CHANCE,
        sense="above",
        ours=score(rows, ELECTRONS, metric=Metric.WIN_RATE),
        fails_if="what is seen is the electron count and not the vacancy",
        blind=_by_contents(rows),
        missing=NO_BLOCKS,
    )


def _by_contents(rows: Rows) -> str:
    """Why the pairs with as many electrons decide nothing: contents alone win as many of them."""
    own = score(rows, ELECTRONS, metric=Metric.WIN_RATE)
    models = CONTROLS[CONTENTS_ALONE]
    known = [score(rows, ELECTRONS, CONTENTS_ALONE, Metric.WIN_RATE, m) for m in models]
    won = max((e.value for e in known), default=0.0)
    if not won >= own.value:
        return ""
    return (
        f"the arms differ in lithium, and contents alone, no spectrum, win {won:.2f} of the pairs"
    )


def _no_difference(p: Estimate) -> str:
    """Why a test of McNemar that finds no difference decides nothing."""
    if p.value < MCNEMAR:
        return ""
    return "no evidence for a difference is none against it; docs/nmc.md states the power"


def _second_relaxer(rows: Rows) -> Iterator[Check]:
    for pair in CLAIMED:
        yield _check(
            check_id=f"{pair.target}_second_relaxer",
            check=f"{pair.name} in cells of {SECOND}, model trained on cells of {FIRST}: share of "
            "pairs won",
            bound=CHANCE,
            sense="above",
            ours=estimate(
                rows, "n", statistic=str(Metric.WIN_RATE), subject=pair.name, cells=SECOND
            ),
            fails_if="what is detected belongs to the potential that relaxed the cells",
            missing="fewer than two blocks in cells of a second potential",
        )


def _own_cells(rows: Rows) -> Check:
    return _check(
        check_id="vacancy_own_cell",
        check="vacancy whose cell is relaxed against the pristine structure at its volume, model "
        "trained on cells that no vacancy has changed: share of pairs won",
        bound=CHANCE,
        sense="above",
        ours=estimate(rows, "n", statistic=str(Metric.WIN_RATE), subject=SAME_VOLUME),
        fails_if="what is detected belongs to vacancies that are held in the pristine cell",
        missing="fewer than two blocks with relaxed cells of the vacancy",
    )


def _second_code(rows: Rows) -> Iterator[Check]:
    for pair in CLAIMED:
        yield _check(
            check_id=f"{pair.target}_second_code",
            check=f"O K, {pair.arm} minus {pair.other}: correlation of the difference spectra by "
            "FEFF and by GPAW with a core hole, mean over blocks",
            bound=0.0,
            sense="above",
            ours=estimate(
                rows, "n", edge="O K", statistic=CHANGES, subject=f"{pair.arm} minus {pair.other}"
            ),
            fails_if="what a defect changes at O K belongs to the approximations of FEFF",
            missing="fewer than two blocks by a second code",
        )


def _converged(rows: Rows) -> Iterator[Check]:
    wanted = {"edge": ALL_JOINED, "statistic": str(Metric.WIN_RATE), "block": MEAN}
    for pair in CLAIMED:
        yield _check(
            check_id=f"{pair.target}_converged",
            check=f"{pair.name} with converged potentials, model trained on `campaign` spectra of "
            "other blocks: share of pairs won",
            bound=CHANCE,
            sense="above",
            ours=estimate(rows, "n", subject=pair.name, spectra=CONVERGED, **wanted),
            fails_if="what is detected belongs to potentials that are not converged",
            missing="fewer than two blocks with converged potentials",
        )


def _shells(rows: Rows) -> Iterator[Check]:
    """The edge whose change falls least with the distance, by its lower end."""
    for pair in CLAIMED:
        falls = [r for r in rows if (r["arm"], r["shell"]) == (pair.arm, FALL)]
        least = min(falls, key=_lower_end, default=None)
        name = str(least["edge"]) if least else "no edge"
        yield _check(
            check_id=f"{pair.target}_is_local",
            check=f"{pair.arm}: change of the spectra of its nearest neighbours less that of sites "
            f"farther than 3.6 Å, relative RMS, the least of all edges ({name})",
            bound=0.0,
            sense="above",
            ours=estimate(rows, "n", arm=pair.arm, shell=FALL, edge=name),
            fails_if="the cell as a whole, or a setting of the code, changes the spectra",
            missing="no whole blocks in the archive",
        )


def _lower_end(row: Mapping[str, Any]) -> tuple[bool, float]:
    """Order of rows by their lower ends; one without an interval comes first, and decides."""
    return math.isfinite(float(row["lo"])), float(row["lo"])


def _images(rows: Rows) -> Iterator[Check]:
    bonded = [r for r in rows if r["shell"] == next(iter(SHELLS))]
    yield _check(
        check_id="vacancy_without_images",
        check="vacancy: what it changes at bonded sites in cells of 40 and of 80 atoms, "
        "correlation of the difference spectra, mean over sites",
        bound=0.8,
        sense="above",
        ours=estimate(bonded, "n", statistic=ALIKE),
        fails_if="images of the vacancy at 5.0 and 5.7 Å make part of what is seen",
        missing="fewer than two blocks in larger cells",
    )


def _name(features: str) -> str:
    return features.split(":", maxsplit=1)[0].replace(" ", "_")


def _controls(rows: Rows) -> Iterator[Control]:
    """Controls that can fail, in the pairs of the claims."""
    for pair in CLAIMED:
        effect = score(rows, pair).value - CHANCE
        shown: list[tuple[str, str, str]] = [
            (PERMUTED, KERNEL, "labels permuted among the arms of each block")
        ]
        shown += [(c, m, f"{c} alone, {m}") for c, models in CONTROLS.items() for m in models]
        for features, model, what in shown:
            found = score(rows, pair, features, model=model)
            equal = features in (CONTENTS_ALONE, VOLUME) and found.lo == found.hi == CHANCE
            yield _control(
                check_id=f"negative_control_{_name(features)}_{model}_{pair.target}",
                check=f"negative control: {pair.name} from {what} (AUROC)",
                no_skill=CHANCE,
                ours=found,
                guarded=effect,
                fails_if="above chance: something other than spectra gives the defect away",
                blind="cannot fail here: both arms have the same of it, by design" if equal else "",
                missing=NO_BLOCKS,
            )
    yield _control(
        check_id="negative_control_permuted_labels_kernel_x_Li",
        check="negative control: lithium with contents permuted among blocks (skill)",
        no_skill=0.0,
        ours=content(rows, "x_Li", PERMUTED, Metric.SKILL),
        guarded=content(rows, "x_Li", ALL_EDGES, Metric.SKILL).value,
        fails_if="contents of other blocks are predicted better than by the mean: blocks leak",
        missing=NO_BLOCKS,
    )


def _drift(rows: Rows) -> Check:
    ours, reasons = largest_difference(rows, "relative_rms")
    return _check(
        check_id="drift",
        check="archived spectra computed again on this machine, largest relative RMS difference",
        bound=LARGEST_DRIFT,
        sense="at most",
        ours=ours,
        fails_if="engine or machine gives another spectrum than the archive for the same input",
        missing=reasons or "not every chosen calculation could be compared",
    )
