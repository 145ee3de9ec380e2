"""``defectra levels``: charge-state levels of an impurity in a host of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from defectra.cli.help import command
from defectra.core.number_types import number_above_0

MODEL = Path("results/levels/model.npz")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = command(
        commands,
        "levels",
        "charge-transition levels of an impurity in a zinc-blende or diamond host",
        "defectra levels ZnSe --impurity Cu --site M_A",
        "defectra levels MgS --lattice 5.62 --gap 4.5 --impurity Li --site M_A",
    )
    parser.add_argument(
        "host", help="formula, cation first, e.g. ZnSe; any name if --ions is given"
    )
    parser.add_argument("--impurity", required=True, help="element, or `vacancy`")
    sites = (
        "M_A (on the cation), M_B (on the anion), M_i_A, M_i_B (interstitial next to it), M_i_neut"
    )
    parser.add_argument("--site", required=True, help=sites)
    parser.add_argument(
        "--lattice", type=number_above_0, help="cubic lattice constant of the host, Å"
    )
    parser.add_argument(
        "--gap", type=number_above_0, help="band gap of the host, measured or HSE06, eV"
    )
    parser.add_argument("--ions", nargs=2, default=(), metavar=("CATION", "ANION"),
                        help="elements of the host, if its name is no formula")  # fmt: skip
    parser.add_argument(
        "--model", type=Path, default=MODEL, help=f"default: {MODEL}, which `make levels` makes"
    )
    parser.set_defaults(run=run_levels)


def run_levels(chosen: argparse.Namespace) -> int:
    """Tell the levels; 1 outside the domain, where there are no intervals.

    Raises
    ------
    DefectraError
        If the model is missing, or the question makes no sense.
    """
    from defectra.core.errors import DataError
    from defectra.core.paths import why_no_file
    from defectra.studies.levels.ask import Question, ask
    from defectra.studies.levels.saved import load

    if not chosen.model.is_file():
        why = why_no_file(chosen.model)
        how = "`make levels` makes it, or name another with --model"
        raise DataError(f"{chosen.model}: {why}; {how}")
    model = load(chosen.model)
    ions = tuple(chosen.ions)
    question = Question(chosen.host, chosen.impurity, chosen.site, chosen.lattice, chosen.gap, ions)
    reply = ask(model, question)
    print("\n".join(reply.sentences(model.level)))
    return int(bool(reply.doubts))
