"""``defectra predict``: a trained model of one of five kinds, and files that it answers for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from defectra.cli import train
from defectra.cli.help import command
from defectra.cli.measured_files import add_spectra, spectra_of
from defectra.core.errors import DefectraError
from defectra.core.number_types import number, number_above_0, number_from_0

ONE, SEVERAL, TABLE = "of one edge", "of several edges", "of a table"
STUDY, STUDY_OF_SPECTRA = "of a study", "of a study of measured spectra"
_GEOMETRY = ("beam_energy", "collection_angle")
TAKES: Mapping[str, tuple[str, ...]] = {  # options by kind of model; another one is refused
    ONE: ("columns", "scan", "shift", "shift_sd", "reference", "reference_e0", *_GEOMETRY),
    SEVERAL: ("columns", "scan", "shift", "shift_sd", *_GEOMETRY),
    TABLE: (),
    STUDY: ("option",),
    STUDY_OF_SPECTRA: ("option", "columns", "scan"),
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    text = "apply a trained model to measured spectra, patterns, images or rows of tables"
    parser = command(
        commands,
        "predict",
        text,
        "defectra predict resources/models/nmc_edges.npz 'Ni K=my.dat' --shift -1.1 --shift-sd 0.3",
        "defectra predict results/xanes/models/ni_k_cdf.npz spectrum.dat",
        "defectra predict model.npz new.csv",
    )
    text = "model file (npz, safetensors), e.g. results/xanes/models/ni_k_cdf.npz"
    parser.add_argument("model", type=Path, help=text)
    add_spectra(parser)
    text = "added to the energies, eV; for a model of several edges: onto the computed axis"
    parser.add_argument("--shift", type=number, help=text)
    parser.add_argument(
        "--shift-sd", type=number_from_0, help="standard deviation of the shift, eV"
    )
    text = (
        "reference spectrum measured on the same energy axis, e.g. of a foil; with --reference-e0"
    )
    parser.add_argument("--reference", type=Path, help=text)
    text = "true edge energy of the reference (steepest rise), eV"
    parser.add_argument("--reference-e0", type=number_above_0, help=text)
    text = "of the electrons of an energy-loss spectrum, keV, in place of what its file says"
    parser.add_argument("--beam-energy", type=number_above_0, metavar="KEV", help=text)
    text = "half angle of collection of an energy-loss spectrum, mrad, likewise"
    parser.add_argument("--collection-angle", type=number_above_0, metavar="MRAD", help=text)
    text = (
        "option of the study that the model belongs to, e.g. pixel=0.16 (unit: README of the "
        "study); may be repeated"
    )
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=text)
    parser.set_defaults(run=run_predict)


def run_predict(chosen: argparse.Namespace) -> int:
    """Answer for each file; 1 if one cannot be used or has no interval.

    Raises
    ------
    DefectraError
        If the model cannot be used, or an option is not one of its kind.
    """
    from defectra.cli.predict_edges import predict_edges
    from defectra.learn.answers import study_of_model
    from defectra.learn.edges_model import is_edges_model, load_edges_model
    from defectra.learn.table_model import is_table_model, load_table_model
    from defectra.spectra.loss_factor import Stated
    from defectra.spectra.measured_columns import choice

    if is_edges_model(chosen.model):
        _refuse_others(chosen, SEVERAL)
        model_of_edges = load_edges_model(chosen.model)
        words, columns = [str(p) for p in chosen.spectra], chosen.columns
        reading = choice(columns) if columns else None, chosen.scan
        geometry = Stated(chosen.beam_energy, chosen.collection_angle)
        axis_known = chosen.shift, chosen.shift_sd
        return predict_edges(model_of_edges, chosen.model, words, *axis_known, *reading, geometry)
    if is_table_model(chosen.model):
        _refuse_others(chosen, TABLE)
        model_of_table = load_table_model(chosen.model)
        return train.predict_tables(model_of_table, chosen.model, chosen.spectra)
    if study := study_of_model(chosen.model):
        return _predict_by_study(study, chosen)
    return _predict_by_one_edge(chosen)


def _refuse_others(chosen: argparse.Namespace, kind: str) -> None:
    """Refuse the options that models of a kind do not take, with the kinds that take them.

    Raises
    ------
    DefectraError
        With the first such option.
    """
    for name in sorted({name for names in TAKES.values() for name in names}):
        given = getattr(chosen, name) not in (None, "", [])
        if given and name not in TAKES[kind]:
            takers = ", ".join(k for k, names in TAKES.items() if name in names)
            raise DefectraError(
                f"--{name.replace('_', '-')}: {chosen.model} is a model {kind}, which does not "
                f"take it; models that do: {takers}"
            )


def _predict_by_one_edge(chosen: argparse.Namespace) -> int:
    """Answer by a model of one edge for every spectrum of each file."""
    from defectra.learn.predict import answer_sentence, calibration, predict
    from defectra.learn.saved import load
    from defectra.spectra.loss_factor import Stated
    from defectra.spectra.measured import each

    _refuse_others(chosen, ONE)
    axis = calibration(chosen.shift, chosen.shift_sd, chosen.reference, chosen.reference_e0)
    model = load(chosen.model)
    print(f"{chosen.model}: {model.about.target} from {model.about.edge}, {model.about.features}")
    print(f"  trained on {model.about.trained_on}")
    stated, worst = Stated(chosen.beam_energy, chosen.collection_angle), 0
    for name, spectrum in each(*spectra_of(chosen), chosen.scan, model.about.edge):
        try:
            read = spectrum()
            stated.check({read.kind})
            answer = predict(model, stated.said_of(read), axis)
            print(f"{name}: {answer_sentence(model, answer)}")
            worst = max(worst, int(not answer.certain))
        except DefectraError as error:
            print(f"{name}: refused: {error}")
            worst = 1
    return worst


def _predict_by_study(study: str, chosen: argparse.Namespace) -> int:
    """Answer by the study that the model belongs to."""
    from defectra.learn.answers import Reading, options_of, predict_of, reads_spectra

    predict, worst, more = predict_of(study), 0, {}
    _refuse_others(chosen, STUDY_OF_SPECTRA if reads_spectra(predict) else STUDY)
    files = chosen.spectra
    if reads_spectra(predict):
        files, columns = spectra_of(chosen)
        more = {"reading": Reading(columns, chosen.scan)}
    if not files:
        raise DefectraError("no file is named")
    for answer in predict(chosen.model, files, options_of(chosen.option), **more):
        print(f"{answer.file}: {answer.sentence.replace(f'{answer.file}: ', '', 1)}")
        worst = max(worst, int(not answer.certain))
    return worst
