"""``defectra``: what people start by hand."""

from __future__ import annotations

import argparse
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
  defectra doctor                                    what is here, what is missing
  defectra plan --config my.yaml                     what would run, what it costs
  defectra status                                    how far a run is, what failed
  defectra structures cells.parquet --out cells.db   cells as CIF, extended XYZ, ASE db
  defectra run feff my.cif --edge "O K"              one edge of your own structure
  defectra import FOLDER                             finished runs into tables
  defectra look spectrum.dat                         what a measured file holds
  defectra predict MODEL spectrum.dat                ask a trained model about it
  defectra levels ZnSe --impurity Cu --site M_A      levels of a defect, one's own host too
  defectra show results/nmc/figures/parity.png       what a figure was made of
The campaign itself is `make run`, or `snakemake --cores 2 nmc` in the clone; each command has
examples of its own: defectra COMMAND --help."""


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


def _add_targets(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "what can be made by name: `make NAME`, `snakemake --cores 2 NAME`"
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
    text = "read finished runs of FEFF, VASP, FDMNES, GPAW, xspectra, OCEAN, exciting in a tree"
    parser = command(
        commands,
        "import",
        text,
        "defectra import runs/",
        "defectra import runs/ --absorber 'Ti K' --out results/import",
    )
    parser.add_argument("folder", type=Path, help="top of the tree")
    parser.add_argument("--out", type=Path, default=Path("results/import"), help="tables go here")
    parser.add_argument("--absorber", help='for runs that tell none, e.g. "Ti K"')
    parser.set_defaults(run=run_import)


def run_import(chosen: argparse.Namespace) -> int:
    """Import a tree, write its tables, tell what was found; 1 if nothing was."""
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
    text = "compute one edge of your own structure: feff, gpaw_corehole, feff_binary, vasp, fdmnes"
    parser = command(
        commands,
        "run",
        text,
        "defectra run list",
        'defectra run feff my.cif --edge "O K"',
        'defectra run gpaw_corehole POSCAR --edge "Ti K" --site 4 --write',
    )
    parser.add_argument("engine", help="one of these, or `list`: what is there, what is missing")
    parser.add_argument("structure", nargs="?", type=Path, help="CIF, POSCAR, ...")
    parser.add_argument("--edge", default="O K", help='element and edge, e.g. "O K"')
    parser.add_argument("--site", type=int, help="number in the file, from 0; else one of a kind")
    parser.add_argument("--protocol", help="default: fast, or published")
    parser.add_argument("--config", type=Path, help="default: config/config.yaml, or the shipped")
    parser.add_argument("--out", type=Path, default=Path("results/runs"))
    parser.add_argument("--write", action="store_true", help="write the inputs, do not run")
    parser.set_defaults(run=run_run)


def run_run(chosen: argparse.Namespace) -> int:
    """Compute what is asked for and tell how it went; 1 if one of them failed."""
    from defectra.cli.run import Asked, default_protocol, outcome_sentence, run
    from defectra.core.config import load, own_or_shipped
    from defectra.core.errors import ConfigError
    from defectra.engines.edges import edge_name
    from defectra.engines.spectrum import programs_of_spectra

    if chosen.engine == "list":
        for name, engine in programs_of_spectra().items():
            print(f"{name}: {engine.available() or 'ready'}")
        return 0
    if chosen.structure is None:
        raise ConfigError("no structure file is named")
    element, edge = edge_name(chosen.edge)
    known = load(chosen.config or own_or_shipped()).protocols
    protocol = chosen.protocol or default_protocol(chosen.engine, known)
    asked = Asked(chosen.engine, protocol, chosen.structure, element, edge, chosen.site)
    found = run(asked, known, chosen.out, write_only=chosen.write)
    for index, folder, row in found:
        print(outcome_sentence(asked, index, folder, row))
    return int(any(row["status"] == "failed" for _, _, row in found))


def _add_look(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "read measured spectra, check and normalise them, tell which edges they show"
    parser = command(
        commands,
        "look",
        text,
        "defectra look spectrum.dat",
        "defectra look scan.dat --columns energy=1 'mu=ln(I0/It)' --edge 'Ni K'",
    )
    _add_spectra(parser)
    parser.add_argument("--edge", help='which edge it is meant to be, e.g. "Ni K"')
    parser.set_defaults(run=run_look)


def _add_spectra(command: argparse.ArgumentParser) -> None:
    """What `look` and `predict` read: files, columns, scans."""
    command.add_argument("spectra", nargs="*", type=Path)
    text = "energy=1 mu='ln(I0/It)': which columns, by number, name or formula; unit=keV"
    command.add_argument("--columns", nargs="+", metavar="WHICH=COLUMN", help=text)
    command.add_argument("--scan", default="", help="of a file with several: name or number")


def run_look(chosen: argparse.Namespace) -> int:
    """Tell what each file holds; 1 if one of them cannot be used."""
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
    text = "ask a trained model about measured spectra, patterns, images, or rows of tables"
    parser = command(
        commands,
        "predict",
        text,
        "defectra predict resources/models/nmc_edges.npz 'Ni K=my.dat' --shift 0 --shift-sd 1",
        "defectra predict results/xanes/models/ni_k_cdf.npz spectrum.dat",
        "defectra predict model.npz new.csv",
    )
    text = "npz or safetensors, e.g. results/xanes/models/ni_k_cdf.npz"
    parser.add_argument("model", type=Path, help=text)
    _add_spectra(parser)
    parser.add_argument("--shift", type=float, help="added to the energies, eV")
    parser.add_argument("--shift-sd", type=float, help="standard deviation of the shift, eV")
    text = "a reference measured on the same axis, e.g. a foil; with --reference-e0"
    parser.add_argument("--reference", type=Path, help=text)
    text = "its true edge energy (steepest rise), eV"
    parser.add_argument("--reference-e0", type=float, help=text)
    text = "of the study that the model belongs to, e.g. pixel_A=0.16"
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
        print(f"{answer.file}: {answer.sentence}")
        worst = max(worst, int(not answer.certain))
    return worst


if __name__ == "__main__":
    sys.exit(main())
