"""The command ``defectra``: single calculations, finished runs, measured spectra, models."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.cli import (
    digitise,
    doctor,
    levels,
    new_study,
    plan,
    show,
    status,
    structures,
    table,
    train,
)
from defectra.cli.help import Parser, command
from defectra.core.errors import DefectraError

if TYPE_CHECKING:
    from defectra.spectra.measured_columns import Choice


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
    _add_predict(commands)
    levels.add(commands)
    new_study.add(commands)
    digitise.add(commands)
    show.add(commands)
    doctor.add(commands)
    plan.add(commands)
    status.add(commands)
    structures.add(commands)
    _add_targets(commands)
    chosen = parser.parse_args(arguments)
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
    """Import runs, write the tables, print counts; 1 if nothing was found."""
    from defectra.engines.edges import edge_name
    from defectra.engines.finished.importing import import_tree, summary

    found = import_tree(chosen.folder, edge_name(chosen.absorber) if chosen.absorber else None)
    found.write(chosen.out)
    counts = summary(found)
    print(f"{counts['runs']} runs, {counts['spectra']} spectra, {counts['structures']} structures")
    for name, number in sorted(counts["by_engine"].items()):
        print(f"  {name}: {number}")
    for name, number in counts["reasons"].items():
        print(f"  {name}: {number}")
    for reason, number in counts["passed_over"].items():
        print(f"  passed over, {reason}: {number} file(s)")
    print(f"tables: {chosen.out} (what could not be read: imports.parquet, column message)")
    return 0 if found.imports else 1


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
    parser.add_argument("--site", type=int, help=text)
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
    _add_spectra(parser)
    parser.add_argument("--edge", help='expected edge, e.g. "Ni K"')
    parser.set_defaults(run=run_look)


def _add_spectra(command: argparse.ArgumentParser) -> None:
    """What `look` and `predict` read: files, columns, scans."""
    command.add_argument("spectra", nargs="*", type=Path, help="measured files")
    text = "columns by number, name or formula, e.g. energy=1 mu='ln(I0/It)' unit=keV"
    command.add_argument("--columns", nargs="+", metavar="WHICH=COLUMN", help=text)
    command.add_argument("--scan", default="", help="name or number, if a file holds several scans")


def run_look(chosen: argparse.Namespace) -> int:
    """Print the contents of each file; 1 if one of them cannot be used."""
    from defectra.spectra.measured import description, each

    worst = 0
    for name, spectrum in each(*_spectra(chosen), chosen.scan, chosen.edge):
        try:
            print(f"{name}: {description(spectrum(), Path(name), chosen.edge)}")
        except DefectraError as error:
            print(f"{name}: refused: {error}")
            worst = 1
    return worst


def _spectra(chosen: argparse.Namespace) -> tuple[list[Path], Choice | None]:
    """Files and columns; a word without ``=`` after ``--columns`` is a file."""
    from defectra.spectra.measured_columns import choice

    words = chosen.columns or []
    files = [*chosen.spectra, *(Path(w) for w in words if "=" not in w)]
    if not files:
        raise DefectraError("no spectrum is named")
    return files, choice([w for w in words if "=" in w]) if words else None


def _add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "apply a trained model to measured spectra, patterns, images or rows of tables"
    parser = command(
        commands,
        "predict",
        text,
        "defectra predict resources/models/nmc_edges.npz 'Ni K=my.dat' --shift 0 --shift-sd 1",
        "defectra predict results/xanes/models/ni_k_cdf.npz spectrum.dat",
        "defectra predict model.npz new.csv",
    )
    text = "model file (npz, safetensors), e.g. results/xanes/models/ni_k_cdf.npz"
    parser.add_argument("model", type=Path, help=text)
    _add_spectra(parser)
    parser.add_argument("--shift", type=float, help="added to the energies, eV")
    parser.add_argument("--shift-sd", type=float, help="standard deviation of the shift, eV")
    text = (
        "reference spectrum measured on the same energy axis, e.g. of a foil; with --reference-e0"
    )
    parser.add_argument("--reference", type=Path, help=text)
    text = "true edge energy of the reference (steepest rise), eV"
    parser.add_argument("--reference-e0", type=float, help=text)
    text = "option of the study that the model belongs to, e.g. pixel_A=0.16; may be repeated"
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=text)
    parser.set_defaults(run=run_predict)


def run_predict(chosen: argparse.Namespace) -> int:
    """Answer for each file; 1 if one cannot be used or has no interval."""
    from defectra.cli.predict_edges import predict_edges
    from defectra.learn.answers import study_of_model
    from defectra.learn.edges_model import is_edges_model, load_edges_model
    from defectra.learn.predict import answer_sentence, calibration, predict
    from defectra.learn.saved import load
    from defectra.learn.table_model import is_table_model, load_table_model
    from defectra.spectra.measured import each
    from defectra.spectra.measured_columns import choice

    if is_edges_model(chosen.model):
        model_of_edges = load_edges_model(chosen.model)
        words, columns = [str(p) for p in chosen.spectra], chosen.columns
        named = choice(columns) if columns else None
        axis_known = chosen.shift, chosen.shift_sd
        return predict_edges(model_of_edges, chosen.model, words, *axis_known, named)
    if is_table_model(chosen.model):
        model_of_table = load_table_model(chosen.model)
        return train.predict_tables(model_of_table, chosen.model, chosen.spectra)
    if study := study_of_model(chosen.model):
        return _predict_by_study(study, chosen)
    axis = calibration(chosen.shift, chosen.shift_sd, chosen.reference, chosen.reference_e0)
    model = load(chosen.model)
    print(f"{chosen.model}: {model.about.target} from {model.about.edge}, {model.about.features}")
    print(f"  trained on {model.about.trained_on}")
    worst = 0
    for name, spectrum in each(*_spectra(chosen), chosen.scan, model.about.edge):
        try:
            answer = predict(model, spectrum(), axis)
            print(f"{name}: {answer_sentence(model, answer)}")
            worst = max(worst, int(not answer.certain))
        except DefectraError as error:
            print(f"{name}: refused: {error}")
            worst = 1
    return worst


def _predict_by_study(study: str, chosen: argparse.Namespace) -> int:
    """Answer by the study that the model belongs to."""
    from defectra.learn.answers import options_of, predict_of

    predict, worst = predict_of(study), 0
    if not chosen.spectra:
        raise DefectraError("no file is named")
    for answer in predict(chosen.model, chosen.spectra, options_of(chosen.option)):
        print(f"{answer.file}: {answer.sentence.replace(f'{answer.file}: ', '', 1)}")
        worst = max(worst, int(not answer.certain))
    return worst


if __name__ == "__main__":
    sys.exit(main())
