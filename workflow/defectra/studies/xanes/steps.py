"""Steps: what the rules of study `xanes` do with their files; no science here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.step import Job, decoded, results_of, settings_of

if TYPE_CHECKING:
    from defectra.campaign.ledger import Ledger
    from defectra.core.store import Archive
    from defectra.studies.xanes.settings import FidelityLevels


def build_copper(job: Job) -> None:
    """Cu K spectra with labels.

    Input archive (OmniXAS); output copper (parquet), left_out (csv).

    params.mirror = folder of the published data.
    """
    from defectra.core.datasets import located
    from defectra.studies.xanes.copper import copper_rows, write_copper

    rows, left_out = copper_rows(located(job.input.archive, job.params.mirror)[0])
    write_copper(rows, left_out, job.output.copper, job.output.left_out)


def join_copper(job: Job) -> None:
    """Cu K spectra with labels, and those of finished runs made elsewhere.

    Input archive (OmniXAS); output copper (parquet), left_out (csv).

    params.mirror = folder of the published data; params.parsed, params.parsed_geometry = folders of
    finished runs, and how their cells were made.
    """
    from defectra.core.datasets import located
    from defectra.studies.xanes.copper import copper_rows, published_cells, write_copper
    from defectra.studies.xanes.parsed import parsed_copper

    archive = located(job.input.archive, job.params.mirror)[0]
    rows, left_out = copper_rows(archive)
    cells = published_cells(archive)
    new, more = parsed_copper(job.params.parsed, cells, job.params.parsed_geometry)
    left_out |= {f"parsed: {reason}": number for reason, number in more.items()}
    write_copper(rows + new, left_out, job.output.copper, job.output.left_out)


def build_ladder(job: Job) -> None:
    """Comparison of fidelities.

    Input archives, codes, measured; output ladder (parquet), table (csv).

    params.config = leaf xanes; params.protocols = leaf protocols; params.archive,
    params.fidelities, params.mirror = folders.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.project_files import archive_folder
    from defectra.core.protocols import protocols_model
    from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA
    from defectra.core.store import Archive, write_table
    from defectra.studies.xanes.fidelity_comparison import (
        CODES,
        COMPARISON,
        COMPARISON_COLUMNS,
        compare_anatase,
        compare_nickel,
        compare_sites,
    )
    from defectra.studies.xanes.requests import FidelityRequests, fidelity_rows
    from defectra.studies.xanes.settings import XanesStudy

    study, mirror = settings_of(job, XanesStudy), job.params.mirror
    archive, settings = Archive(archive_folder(job.params.archive)), study.ladder
    codes = dict(zip(CODES, located(job.input.codes, mirror), strict=True))
    shipped = Archive(archive_folder(job.params.fidelities))
    cells = shipped.read(GEOMETRIES)
    known = protocols_model()(**decoded(job, "protocols"))
    requests = FidelityRequests(settings, known, {g["geometry_id"]: g for g in cells})
    calculations, spectra = fidelity_rows(requests, _ladder(job, settings, shipped), shipped)
    nickel = (study.nickel.protocol, "balanced", study.nickel.edge_shift)
    rows = [
        *compare_anatase(codes, located(job.input.measured, mirror)[0]),
        *compare_sites(calculations, spectra, cells, settings),
        *compare_nickel(archive.read(CALCULATIONS), archive.read(SPECTRA), *nickel),
    ]
    write_table(job.output.ladder, rows, COMPARISON)
    write_csv(
        job.output.table, [{k: r[k] for k in COMPARISON_COLUMNS} for r in rows], COMPARISON_COLUMNS
    )


def _ladder(job: Job, settings: FidelityLevels, shipped: Archive) -> Ledger:
    """What is finished of the ladder of fidelities, whoever computed it."""
    from defectra.campaign.ledger import Ledger
    from defectra.campaign.studies import journals_of, read_parsed
    from defectra.studies.xanes.requests import REQUESTS

    journals, parsed = journals_of("xanes", results_of(job) / "store"), read_parsed(settings.parsed)
    source = None if settings.live == "all" else shipped
    return Ledger(REQUESTS.kinds, source, journals, parsed)


def check_published(job: Job) -> None:
    """Published checks.

    Input series, regressor, classifier, example, record; output[0] csv.

    params.mirror = folder of the published data.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.spectra.measured_series import read_series
    from defectra.studies.xanes.published import CHECK_COLUMNS, check_rows

    mirror = job.params.mirror
    names = ("series", "regressor", "classifier", "example", "record")
    series, *rest = (located(job.input[k], mirror)[0] for k in names)
    write_csv(job.output[0], check_rows(read_series(series), *rest), CHECK_COLUMNS)


def compare_features(job: Job) -> None:
    """Features compared.

    Input copper (parquet), lists and tables of VASP; output[0] csv.

    params.config = leaf xanes; params.seed = seed; params.mirror = folder of the published data.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.xanes.compare import compare
    from defectra.studies.xanes.copper import COPPER
    from defectra.studies.xanes.omnixas import read_spectra
    from defectra.studies.xanes.settings import XanesStudy

    mirror = job.params.mirror
    lists, tables = (located(job.input[k], mirror) for k in ("lists", "tables"))
    rows = compare(
        read_table(job.input.copper, COPPER),
        read_spectra(lists, tables),
        settings_of(job, XanesStudy),
        int(job.params.seed),
    )
    write_csv(job.output[0], rows, METRICS_COLUMNS)


def learn_delta(job: Job) -> None:
    """FEFF to VASP within an element.

    Input lists and tables of both; output pairs (parquet), metrics (csv).

    params.config = leaf xanes; params.seed = seed; params.mirror = folder of the published data.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import write_table
    from defectra.studies.xanes.delta import PAIRS, delta_metrics, hold_out
    from defectra.studies.xanes.omnixas import read_engines
    from defectra.studies.xanes.settings import XanesStudy

    study, seed = settings_of(job, XanesStudy), int(job.params.seed)
    rows = [
        row
        for element, (feff, vasp) in read_engines(job).items()
        for row in hold_out(element, feff, vasp, study, seed)
    ]
    write_table(job.output.pairs, rows, PAIRS)
    write_csv(job.output.metrics, delta_metrics(rows, study, seed), METRICS_COLUMNS)


def transfer_delta(job: Job) -> None:
    """FEFF to VASP for the other element.

    Input lists and tables of both elements; output metrics (csv).

    params.config = leaf xanes; params.seed = seed; params.mirror = folder of the published data.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.xanes.omnixas import read_engines
    from defectra.studies.xanes.settings import XanesStudy
    from defectra.studies.xanes.transfer import pairs_of, transfer_rows

    study, seed = settings_of(job, XanesStudy), int(job.params.seed)
    pairs = [pairs_of(element, *found) for element, found in read_engines(job).items()]
    write_csv(job.output[0], transfer_rows(pairs, study, seed), METRICS_COLUMNS)


def save_delta(job: Job) -> None:
    """Delta models that `defectra predict` takes.

    Input lists and tables of both elements, pairs (parquet), transfer (csv); output models (npz),
    one for each element.

    params.config = leaf xanes; params.mirror = folder of the published data.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.core.store import read_table
    from defectra.studies.xanes.delta import PAIRS
    from defectra.studies.xanes.omnixas import read_engines
    from defectra.studies.xanes.saved_delta import train
    from defectra.studies.xanes.settings import XanesStudy
    from defectra.studies.xanes.transfer import pairs_of, warning

    study = settings_of(job, XanesStudy)
    held_out = read_table(job.input.pairs, PAIRS)
    found = read_csv(job.input.transfer, METRICS_COLUMNS)
    for (element, spectra), target in zip(read_engines(job).items(), job.output, strict=True):
        own = [row for row in held_out if row["element"] == element]
        pairs = pairs_of(element, *spectra)
        train(pairs, own, study.delta, warning(found, element)).write(target)


def measure_nickel(job: Job) -> None:
    """Measured Ni K.

    Input archive, series, regressor, oxides; output series, oxides, importance, metrics (csv),
    nickel (parquet), models (npz).

    params.config = leaf xanes; params.seed = seed; params.archive, params.mirror = folders.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.datasets import located
    from defectra.core.npz import read_npz
    from defectra.core.project_files import archive_folder
    from defectra.core.records import CALCULATIONS, GEOMETRIES, METRICS_COLUMNS, SPECTRA
    from defectra.core.store import Archive, write_table
    from defectra.learn.forest import Forest
    from defectra.spectra.measured_series import read_series
    from defectra.studies.xanes import measured_nickel as measured
    from defectra.studies.xanes.nickel import NICKEL, nickel_rows
    from defectra.studies.xanes.settings import XanesStudy

    study, seed = settings_of(job, XanesStudy), int(job.params.seed)
    mirror, archive = job.params.mirror, Archive(archive_folder(job.params.archive))
    path = {k: located(job.input[k], mirror) for k in ("series", "regressor", "oxides")}
    rows = nickel_rows(
        archive.read(CALCULATIONS),
        archive.read(GEOMETRIES),
        archive.read(SPECTRA),
        study.nickel.protocol,
        study.nickel.edge_shift,
    )
    published = Forest.from_arrays(read_npz(path["regressor"][0]), str(path["regressor"][0]))
    found = measured.measure(rows, read_series(path["series"][0]), published, study, seed)
    write_table(job.output.nickel, rows, NICKEL)
    write_csv(job.output.series, found.series, measured.SERIES_COLUMNS)
    write_csv(job.output.metrics, found.metrics, METRICS_COLUMNS)
    oxides = measured.oxide_rows(path["oxides"], found.models)
    write_csv(job.output.oxides, oxides, measured.OXIDES_COLUMNS)
    looked = measured.importance_rows(found.models, found.spectra, seed)
    write_csv(job.output.importance, looked, measured.IMPORTANCE_COLUMNS)
    for model, target in zip(found.models, job.output.models, strict=True):
        model.write(target)


def score_xanes(job: Job) -> None:
    """Scorecard and checks of study xanes.

    Input published, metrics, series (csv); output scorecard, checks (csv).
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.records import METRICS_COLUMNS
    from defectra.studies.xanes.checks import checks
    from defectra.studies.xanes.measured_nickel import SERIES_COLUMNS
    from defectra.studies.xanes.published import CHECK_COLUMNS as PUBLISHED_COLUMNS
    from defectra.studies.xanes.scorecard import scorecard

    published = read_csv(job.input.published, PUBLISHED_COLUMNS)
    metrics = read_csv(job.input.metrics, METRICS_COLUMNS)
    series = read_csv(job.input.series, SERIES_COLUMNS)
    write_csv(job.output.scorecard, scorecard(published, metrics), SCORECARD_COLUMNS)
    write_csv(job.output.checks, checks(published, metrics, series), CHECK_COLUMNS)
