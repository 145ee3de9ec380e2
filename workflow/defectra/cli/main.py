"""``defectra``: what people start by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from defectra.core.errors import DefectraError


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="defectra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_import(commands)
    _add_run(commands)
    _add_look(commands)
    _add_predict(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except DefectraError as error:
        print(f"defectra {chosen.command}: {error}", file=sys.stderr)
        return 2


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "read finished runs of FEFF, VASP, FDMNES, GPAW, xspectra, OCEAN, exciting in a tree"
    command = commands.add_parser("import", help=text, description=text)
    command.add_argument("folder", type=Path, help="top of the tree")
    command.add_argument("--out", type=Path, default=Path("results/import"), help="tables go here")
    command.add_argument("--absorber", help='for runs that tell none, e.g. "Ti K"')
    command.set_defaults(run=run_import)


def run_import(chosen: argparse.Namespace) -> int:
    """Import a tree, write its tables, tell what was found; 1 if nothing was."""
    from defectra.engines.edges import edge_name
    from defectra.engines.finished.importing import import_tree, summary

    found = import_tree(chosen.folder, edge_name(chosen.absorber) if chosen.absorber else None)
    found.write(chosen.out)
    told = summary(found)
    print(f"{told['runs']} runs, {told['spectra']} spectra, {told['structures']} structures")
    for name, number in sorted(told["by_engine"].items()):
        print(f"  {name}: {number}")
    for name, number in told["reasons"].items():
        print(f"  {name}: {number}")
    for reason, number in told["passed_over"].items():
        print(f"  passed over, {reason}: {number} file(s)")
    print(f"tables: {chosen.out} (what could not be read: imports.parquet, column message)")
    return 0 if found.imports else 1


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "compute one edge of your own structure: feff, gpaw_corehole, feff_binary, vasp, fdmnes"
    command = commands.add_parser("run", help=text, description=text)
    command.add_argument("engine", help="one of these, or `list`: what is there, what is missing")
    command.add_argument("structure", nargs="?", type=Path, help="CIF, POSCAR, ...")
    command.add_argument("--edge", default="O K", help='element and edge, e.g. "O K"')
    command.add_argument("--site", type=int, help="number in the file, from 0; else one of a kind")
    command.add_argument("--protocol", help="default: fast, or published")
    command.add_argument("--config", type=Path, help="default: config/config.yaml, or the shipped")
    command.add_argument("--out", type=Path, default=Path("results/runs"))
    command.add_argument("--write", action="store_true", help="write the inputs, do not run")
    command.set_defaults(run=run_run)


def run_run(chosen: argparse.Namespace) -> int:
    """Compute what is asked for and tell how it went; 1 if one of them failed."""
    from defectra.cli.run import Asked, missing, run, told
    from defectra.core.config import load, own_or_shipped
    from defectra.core.errors import ConfigError
    from defectra.engines.edges import edge_name
    from defectra.engines.sites import PROTOCOL, names

    if chosen.engine == "list":
        for name in names():
            print(f"{name}: {missing(name) or 'ready'}")
        return 0
    if chosen.structure is None:
        raise ConfigError("no structure file is named")
    element, edge = edge_name(chosen.edge)
    protocol = chosen.protocol or PROTOCOL.get(chosen.engine, "fast")
    asked = Asked(chosen.engine, protocol, chosen.structure, element, edge, chosen.site)
    known = load(chosen.config or own_or_shipped()).protocols
    found = run(asked, known, chosen.out, write_only=chosen.write)
    for index, folder, row in found:
        print(told(asked, index, folder, row))
    return int(any(row["status"] == "failed" for _, _, row in found))


def _add_look(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "read measured spectra, check and normalise them, tell which edges they show"
    command = commands.add_parser("look", help=text, description=text)
    command.add_argument("spectra", nargs="+", type=Path)
    command.add_argument("--edge", help='which edge it is meant to be, e.g. "Ni K"')
    command.set_defaults(run=run_look)


def run_look(chosen: argparse.Namespace) -> int:
    """Tell what each file holds; 1 if one of them cannot be used."""
    from defectra.spectra.measured import look

    worst = 0
    for path in chosen.spectra:
        try:
            print(f"{path}: {look(path, chosen.edge)}")
        except DefectraError as error:
            print(f"{path}: refused: {error}")
            worst = 1
    return worst


def _add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "ask a trained model (npz) about measured spectra: XDI, Athena columns, csv"
    command = commands.add_parser("predict", help=text, description=text)
    command.add_argument("model", type=Path, help="e.g. results/xanes/models/ni_k_cdf.npz")
    command.add_argument("spectra", nargs="+", type=Path)
    command.add_argument("--shift", type=float, default=0.0, help="added to the energies, eV")
    command.set_defaults(run=run_predict)


def run_predict(chosen: argparse.Namespace) -> int:
    """Answer for each file, with its interval; 1 if one of them cannot be used."""
    from defectra.cli.predict import predict_file, told
    from defectra.learn.saved import load

    model = load(chosen.model)
    print(f"{chosen.model}: {model.about.target} from {model.about.edge}, {model.about.features}")
    print(f"  trained on {model.about.trained_on}")
    worst = 0
    for path in chosen.spectra:
        try:
            print(f"{path}: {told(model, predict_file(model, path, chosen.shift))}")
        except DefectraError as error:
            print(f"{path}: refused: {error}")
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
