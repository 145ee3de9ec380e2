"""The declared model, cross-validated: its form, lengths and intervals without what is left out.

Groups (hosts, impurities, folds of defects, families) are dealt into parts. For each part a kernel
is learnt on the other parts; together with the isotropic kernels, which learn nothing, it is a
candidate for every group of the part, and the inner errors decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.studies.levels import gaussian_process, learnt_kernel
from defectra.studies.levels.distances import HostRows
from defectra.studies.levels.features import Defects, flat_ladder
from defectra.studies.levels.gaussian_process import Fitted, members
from defectra.studies.levels.intervals import Width, learn_width
from defectra.studies.levels.learnt_kernel import LearntKernel, Tails
from defectra.studies.levels.nested import Candidate, LeftOut, Rows, leave_out
from defectra.studies.levels.settings import Learning, LevelsStudy

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LEARNT = 0  # place of the learnt kernel among the candidates


@dataclass(frozen=True)
class Known:
    """Rows to learn from: descriptors, labels (eV, shape (n, 6)), marks, name of the host."""

    rows: Defects
    labels: Floats
    scored: Bools
    hosts: Sequence[str]

    @property
    def suspect(self) -> Bools:
        """Rows whose levels hardly rise with the number of electrons."""
        return flat_ladder(self.labels)


def isotropic(known: Known, study: LevelsStudy, seed: int) -> list[Fitted]:
    """The kernels drawn about the centre of the settings, on all rows."""
    kernels = gaussian_process.draw(study.kernel, study.candidates, study.candidate_spread, seed)
    return [gaussian_process.fit(known.rows, known.labels, k, known.suspect) for k in kernels]


def left_out(
    known: Known,
    groups: Sequence[str],
    split: Split,
    others: Sequence[Fitted],
    study: LevelsStudy,
    seed: int,
) -> LeftOut:
    """Answers for every group from the other groups.

    Of hosts and families the inner errors come from kernels that were learnt without the inner
    group, too; of impurities and folds of defects, whose hosts stay, from those learnt without the
    outer one.

    Parameters
    ----------
    groups
        What each row is left out with.
    others
        Candidates beside the learnt kernel, on all rows.
    """
    rows = Rows(groups, known.scored, HostRows.of(known.rows.host))
    answer = LeftOut.nothing(known.labels.shape)
    dealt = parts(known, groups, split, study.learning.parts)
    pairs: dict[frozenset[int], Fitted] = {}

    def without(*numbers: int) -> Fitted:
        """The learnt form on all rows, its kernel learnt without some parts."""
        key = frozenset(numbers)
        if key not in pairs:
            out = set().union(*(dealt[k] for k in numbers))
            kept = np.flatnonzero([g not in out for g in groups])
            pairs[key] = fitted_without(known, kept, study.learning, seed)
        return pairs[key]

    plain = [Candidate(fitted, {}) for fitted in others]
    for number, part in enumerate(dealt):
        inner: dict[str, Fitted] = {}
        if split in (Split.HOST_OUT, Split.FAMILY_OUT):
            inner = {name: without(number, k) for k, names in enumerate(dealt) for name in names}
        learnt = Candidate(without(number), inner)
        answer.take(leave_out([learnt, *plain], rows, study.intervals.level, sorted(part)))
    return answer


def width_for_new_hosts(known: Known, study: LevelsStudy, seed: int) -> Width:
    """Width from every host left out once, its kernel learnt without it."""
    return _width(known, known.hosts, Split.HOST_OUT, study, seed)


def width_for_learnt_hosts(
    known: Known, groups: Sequence[str], study: LevelsStudy, seed: int
) -> Width:
    """Width from defects left out of hosts that stay, hosts weighing the same.

    Kernel and noise of the rows are learnt without the part that a defect belongs to, the answer
    comes without its group. What remains is that the three numbers of the width are learnt from
    the errors that they are to hold.

    Parameters
    ----------
    groups
        What is left out together: all sites of an impurity in a host, as most defects that are
        asked for have no level on another site.
    """
    return _width(known, groups, Split.IMPURITY_OUT, study, seed)


def _width(
    known: Known, groups: Sequence[str], split: Split, study: LevelsStudy, seed: int
) -> Width:
    """Width from every group left out once, by a kernel that saw nothing of its part."""
    places = HostRows.of(known.rows.host)
    deviation, far = (np.full(len(groups), np.nan) for _ in range(2))
    error = np.full(known.labels.shape, np.nan)
    for part in parts(known, groups, split, study.learning.parts):
        kept = np.flatnonzero([g not in part for g in groups])
        fitted = fitted_without(known, kept, study.learning, seed)
        for name in part:
            block = np.flatnonzero([g == name for g in groups])
            value, variance = fitted.without(block)
            error[block] = np.abs(value - known.labels[block])
            deviation[block], far[block] = np.sqrt(variance), places.nearest(block, block)
    used, level = known.scored, study.intervals.level
    names = [h for h, counts in zip(known.hosts, used) if counts]
    return learn_width(error[used], deviation[used], far[used], names, level)


def parts(known: Known, groups: Sequence[str], split: Split, count: int) -> list[set[str]]:
    """Groups dealt into parts: hosts in the order of their gaps, so that each part has wide ones.

    Families and folds of defects are few: each is a part of its own.
    """
    names = sorted(set(groups))
    if split in (Split.FAMILY_OUT, Split.GROUPED):
        return [{name} for name in names]
    if split is Split.HOST_OUT:
        gap = {str(g): float(v) for g, v in zip(groups, known.rows.gap)}
        names.sort(key=lambda name: (gap[name], name))
    return [set(names[k::count]) for k in range(min(count, len(names)))]


def fitted_without(known: Known, kept: Ints, settings: Learning, seed: int) -> Fitted:
    """The learnt form on all rows; kernel and weights of the rows from the labels of `kept`."""
    kernel = learn(known, kept, settings, seed)
    tails = Tails(kept, settings.degrees)
    return learnt_kernel.fit(known.rows, known.labels, kernel, known.suspect, tails)


def learn(known: Known, kept: Ints, settings: Learning, seed: int) -> LearntKernel:
    """Kernel learnt from some rows, of each host at most so many; without rows, the start."""
    if not len(kept):
        return LearntKernel.start(known.rows)
    index = np.sort(np.concatenate(list(_thinned(known, kept, settings.most_per_host, seed))))
    start = LearntKernel.start(known.rows)
    labels, suspect = known.labels[index], known.suspect[index]
    return learnt_kernel.learn(known.rows.take(index), labels, suspect, start, settings.steps)


def _thinned(known: Known, kept: Ints, most: int, seed: int) -> Iterator[Ints]:
    generator = np.random.default_rng(seed)
    for block in members([known.hosts[k] for k in kept]):
        chosen = block if len(block) <= most else generator.choice(block, most, replace=False)
        yield kept[chosen]
