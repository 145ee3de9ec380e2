"""Maps of latent variables, and detection against dose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.claims import Rows, estimate
from defectra.figures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    bars,
    canvas,
    finite,
    save,
    say,
    styled,
)
from defectra.studies.stem4d.names import (
    COMPONENTS,
    DARK,
    DEFLECTION,
    LEARNT,
    LIKELIHOOD,
    NEIGHBOURS,
    PLAIN,
    SINGLE,
    TURNING,
    Metric,
)
from defectra.studies.stem4d.settings import Stem4dStudy

COLOURS = {
    TURNING: BLUE,
    DEFLECTION: ORANGE,
    DARK: GREEN,
    COMPONENTS: RED,
    LEARNT: PURPLE,
    LIKELIHOOD: GREY,
}


@styled()
def plot_latents(rows: Sequence[Mapping[str, Any]], study: Stem4dStudy, path: str | Path) -> None:
    """Rows: samples; columns: models."""
    figure, axes = canvas(2, 2, (7.6, 7.0))
    for line, sample in enumerate(("graphene", "gallium_arsenide")):
        for column, model in enumerate((TURNING, PLAIN)):
            axis = axes[line, column]
            wanted = (sample, model, study.methods[0])
            own = [r for r in rows if (r["sample"], r["model"], r["protocol"]) == wanted]
            values = np.array([r["values"][0] for r in own], float)
            if not finite(values):
                say(axis, f"{sample}: no latent variables")
                continue
            x, y = (np.array([r[k] for r in own]) for k in ("x", "y"))
            drawn = axis.scatter(x, y, c=values, s=18)
            figure.colorbar(drawn, ax=axis, label="first latent variable", shrink=0.6)
            axis.set_aspect("equal")
            axis.set_xlabel("x (Å)")
            axis.set_ylabel("y (Å)")
            axis.set_title(f"{sample.replace('_', ' ')}\n{model}", fontsize=8)
    save(figure, path)


@styled()
def plot_vacancies(metrics: Rows, study: Stem4dStudy, path: str | Path) -> None:
    """Rows: single patterns, mean over neighbouring places; columns: vacancies."""
    figure, axes = canvas(2, 2, (9.0, 6.6))
    for line, subset in enumerate((SINGLE, NEIGHBOURS)):
        for column, sample in enumerate(("mono", "di")):
            axis = axes[line, column]
            for model, colour in COLOURS.items():
                _draw(axis, metrics, study, (sample, model, subset), colour)
            if not axis.lines:
                say(axis, f"{sample}-vacancy: not computed")
                continue
            axis.axhline(0.5, color=GREY, lw=0.8)
            axis.set_xscale("log")
            axis.set_ylim(0.3, 1.03)
            axis.set_xlabel("electrons of a pattern")
            axis.set_ylabel("area under the curve")
            axis.set_title(f"{sample}-vacancy in graphene, {subset}", fontsize=9)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    save(figure, path)


def _draw(
    axes: Any, metrics: Rows, study: Stem4dStudy, which: tuple[str, str, str], colour: str
) -> None:
    target, model, subset = which
    found = [
        (float(name.split("_")[1]), estimate(
            metrics, target=target, model=model, metric=str(Metric.AUROC), fidelity=name,
            subset=subset,
        ))
        for name in study.doses
    ]  # fmt: skip
    known = [(dose, e) for dose, e in found if np.isfinite(e.value)]
    if not known:
        return
    dose = np.array([d for d, _ in known])
    value, lo, hi = (np.array([getattr(e, k) for _, e in known]) for k in ("value", "lo", "hi"))
    axes.errorbar(dose, value, bars(value, lo, hi), fmt="o-", color=colour, label=model)
