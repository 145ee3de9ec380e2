"""The command ``defectra``: single calculations, finished runs, measured spectra, models."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from defectra.cli import (
    digitise,
    doctor,
    levels,
    new_study,
    plan,
    predict,
    show,
    status,
    structures,
    table,
    train,
)
from defectra.cli.help import Parser, command
from defectra.cli.measured_files import add_spectra, spectra_of
from defectra.core.errors import DefectraError
from defectra.core.number_types import count_from_0

EXAMPLES = """examples:
  defectra doctor                                    what is installed, what is missing
  defectra plan --config my.yaml                     what would run, what it costs
  defectra status                                    how far a run is, what failed
  defectra structures cells.parquet --out cells.db   cells as CIF, extended XYZ, ASE db
  defectra run feff my.cif --edge "O K"              one edge of your own structure
  defectra import FOLDER                             finished runs into tables
  defectra look spectrum.dat                         contents of a measured file
  defectra predict MODEL spectrum.dat                prediction of a trained model
  defectra levels ZnSe --impurity Cu --site M_A      charge-transition levels of a defect
  defectra show results/nmc/figures/parity.png       where a figure comes from
Campaigns: `make run`, or `snakemake --cores 2 nmc` in the clone.
Examples of each command: defectra COMMAND --help"""


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; 0, or 2 with one sentence on standard error."""
    chosen = _parser().parse_args(arguments)
    shown = warnings.formatwarning
    warnings.formatwarning = partial(_warning, chosen.command)
    try:
        return int(chosen.run(chosen))
    except DefectraError as error:
        print(f"defectra {chosen.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, e.g. `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # no permission, a name that is too long
        where = f"{error.filename}: " if error.filename else ""
        print(f"defectra {chosen.command}: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"defectra {chosen.command}: stopped", file=sys.stderr)
        return 130
    finally:
        warnings.formatwarning = shown


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(
        prog="defectra",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_import(commands)
    _add_run(commands)
    _add_look(commands)
    table.add(commands)
    train.add(commands)
    predict.add(commands)
    levels.add(commands)
    new_study.add(commands)
    digitise.add(commands)
    show.add(commands)
    doctor.add(commands)
    plan.add(commands)
    status.add(commands)
    structures.add(commands)
    _add_targets(commands)
    return parser


def _warning(verb: str, message: Warning | str, *_: Any, **__: Any) -> str:
    """A warning for people: without the place in the code that it comes from."""
    return f"defectra {verb}: warning: {message}\n"


def _add_targets(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "list the targets of `make NAME` and `snakemake --cores 2 NAME`"
    parser = command(commands, "targets", text, "defectra targets")
    parser.set_defaults(run=doctor.print_targets)


class _Version(argparse.Action):
    """Prints the version of the installed package, or what the checkout says of itself."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        from defectra.core.paths import PACKAGE

        try:
            print(f"defectra {version('defectra')} ({PACKAGE})")
        except PackageNotFoundError:
            print(f"defectra, not installed ({PACKAGE})")
        parser.exit()


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = (
        "read finished runs of FEFF, VASP, FDMNES, GPAW, xspectra, OCEAN, exciting below a folder"
    )
    parser = command(
        commands,
        "import",
        text,
        "defectra import runs/",
        "defectra import runs/ --absorber 'Ti K' --out results/import",
    )
    parser.add_argument("folder", type=Path, help="it and its subfolders are searched")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/import"),
        help="folder for the tables (default: results/import)",
    )
    parser.add_argument(
        "--absorber", help='element and edge of runs whose files do not name them, e.g. "Ti K"'
    )
    parser.set_defaults(run=run_import)


def run_import(chosen: argparse.Namespace) -> int:
    """Import runs, write the tables, print counts; 1 if no run was found that can be used."""
    from defectra.core.records import Status
    from defectra.engines.edges import edge_name
    from defectra.engines.finished.importing import import_tree, summary
    from defectra.engines.finished.missing import counted, missing

    found = import_tree(chosen.folder, edge_name(chosen.absorber) if chosen.absorber else None)
    found.write(chosen.out)
    counts = summary(found)
    print(", ".join(counted(counts[what], what) for what in ("runs", "spectra", "structures")))
    for name, number in sorted(counts["by_engine"].items()):
        print(f"  {name}: {number}")
    for name, number in counts["reasons"].items():
        print(f"  {name}: {number}")
    for reason, number in counts["passed_over"].items():
        print(f"  passed over, {reason}: {number} file(s)")
    for line in missing(found.calculations.values(), found.imports):
        print(f"  {line}")
    print(f"tables: {chosen.out} (what could not be read: imports.parquet, column message)")
    failed = all(row["status"] == Status.FAILED for row in found.imports)
    return int(failed)  # also if there is none


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = (
        "compute one absorption edge of a structure: feff, gpaw_corehole, feff_binary, vasp, fdmnes"
    )
    parser = command(
        commands,
        "run",
        text,
        "defectra run list",
        'defectra run feff my.cif --edge "O K"',
        'defectra run feff cells/*.cif --edge "Ni K" --site 0',
        'defectra run gpaw_corehole POSCAR --edge "Ti K" --site 4 --write',
    )
    parser.add_argument("engine", help="one of these; `list` shows which are installed")
    parser.add_argument(
        "structures", nargs="*", type=Path, help="structure files, e.g. CIF or POSCAR"
    )
    parser.add_argument(
        "--edge", default="O K", help='element and edge, e.g. "Ni K" (default: "O K")'
    )
    text = "index of the absorbing atom in the file, from 0; default: each kind of site once"
    parser.add_argument("--site", type=count_from_0, help=text)
    parser.add_argument(
        "--protocol", help="accuracy settings; default: fast, else the first of the engine"
    )
    parser.add_argument(
        "--config", type=Path, help="file with the protocols; default: config/config.yaml"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results/runs"), help="folder for the runs"
    )
    parser.add_argument("--write", action="store_true", help="write the input files and stop")
    parser.set_defaults(run=run_run)


def run_run(chosen: argparse.Namespace) -> int:
    """Compute what is asked for and print the outcome; 1 if one calculation failed."""
    from defectra.cli.run import Asked, default_protocol, run_each
    from defectra.core.config import load, own_or_shipped
    from defectra.core.errors import ConfigError
    from defectra.engines.edges import edge_name
    from defectra.engines.spectrum import programs_of_spectra

    if chosen.engine == "list":
        for name, engine in programs_of_spectra().items():
            print(f"{name}: {engine.available() or 'ready'}")
        return 0
    if not chosen.structures:
        raise ConfigError("no structure file is named")
    element, edge = edge_name(chosen.edge)
    known = load(chosen.config or own_or_shipped()).protocols
    protocol = chosen.protocol or default_protocol(chosen.engine, known)
    asked = [
        Asked(chosen.engine, protocol, path, element, edge, chosen.site)
        for path in chosen.structures
    ]
    return run_each(asked, known, chosen.out, write_only=chosen.write)


def _add_look(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "read measured spectra: check, normalise, identify the edges"
    parser = command(
        commands,
        "look",
        text,
        "defectra look spectrum.dat",
        "defectra look scan.dat --columns energy=1 'mu=ln(I0/It)' --edge 'Ni K'",
    )
    add_spectra(parser)
    parser.add_argument("--edge", help='expected edge, e.g. "Ni K"')
    parser.set_defaults(run=run_look)


def run_look(chosen: argparse.Namespace) -> int:
    """Print the contents of each file; 1 if one of them cannot be used."""
    from defectra.spectra.measured import description, each

    worst = 0
    for name, spectrum in each(*spectra_of(chosen), chosen.scan, chosen.edge):
        try:
            print(f"{name}: {description(spectrum(), Path(name), chosen.edge)}")
        except DefectraError as error:
            print(f"{name}: refused: {error}")
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
