"""Steps around absorption spectra and tilted cells: what the rules of `light.smk` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.step import Job, decoded, results_of

if TYPE_CHECKING:
    from defectra.campaign.ledger import Ledger
    from defectra.studies.perovskites.requests import Protocol


def _known(job: Job) -> tuple[Ledger, list[Protocol]]:
    """What archive and journals hold, and the protocols that are asked for."""
    from defectra.campaign.ledger import Ledger
    from defectra.campaign.studies import journals_of
    from defectra.core.project_files import archive_folder
    from defectra.core.store import Archive
    from defectra.engines.gpaw.settings import GpawProtocol
    from defectra.studies.perovskites.requests import REQUESTS

    asked = decoded(job, "config")
    journals = journals_of("perovskites", results_of(job) / "store")
    archive = Archive(archive_folder(job.params.archive))
    names = [asked["names"][key] for key in ("protocol", "spectra", "spectra_check", "tilts")]
    protocols = [(name, GpawProtocol(**asked["protocols"][name])) for name in names]
    return Ledger(REQUESTS.kinds, archive, journals), protocols


def gather_light(job: Job) -> None:
    """Spectra and tilted cells of our own.

    Output spectra (parquet), angles (csv).

    params.config = what decides the calculations; params.archive = its folder, as JSON;
    params.seed = seed.
    """
    from defectra.core.csvs import write_csv
    from defectra.core.store import write_table
    from defectra.studies.perovskites import tilts
    from defectra.studies.perovskites.absorption import SPECTRA
    from defectra.studies.perovskites.requests import spectrum_rows, tilt_rows

    (ledger, (first, *others)), seed = _known(job), int(job.params.seed)
    write_table(job.output.spectra, spectrum_rows(ledger, first, others[:2], seed), SPECTRA)
    rows = tilts.angle_rows(tilt_rows(ledger, first, others[2], seed))
    write_csv(job.output.angles, rows, tilts.ANGLES_COLUMNS)


def compare_light(job: Job) -> None:
    """Efficiency limits of films, and gap changes on tilting, beside published and measured values.

    Input spectra, compounds (parquet), angles, ladder (csv); output films, tilts (csv).
    """
    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.store import read_table
    from defectra.studies.perovskites import efficiency, tilts
    from defectra.studies.perovskites.absorption import SPECTRA
    from defectra.studies.perovskites.measured_scores import LADDER_COLUMNS
    from defectra.studies.perovskites.tables import COMPOUNDS

    ladder = read_csv(job.input.ladder, LADDER_COLUMNS)
    published = read_table(job.input.compounds, COMPOUNDS)
    rows = efficiency.films(read_table(job.input.spectra, SPECTRA), ladder, published)
    write_csv(job.output.films, rows, efficiency.COLUMNS)
    angles = read_csv(job.input.angles, tilts.ANGLES_COLUMNS)
    write_csv(job.output.tilts, tilts.compare(angles, ladder), tilts.COLUMNS)


def plot_perovskite_absorption(job: Job) -> None:
    """Figure `absorption`.

    Input spectra (parquet), films (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.core.store import read_table
    from defectra.studies.perovskites import efficiency
    from defectra.studies.perovskites.absorption import SPECTRA
    from defectra.studies.perovskites.figures.light import plot_absorption

    films = read_csv(job.input.films, efficiency.COLUMNS)
    plot_absorption(read_table(job.input.spectra, SPECTRA), films, job.output[0])


def plot_perovskite_tilts(job: Job) -> None:
    """Figure `tilts`.

    Input angles, tilts (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.perovskites import tilts
    from defectra.studies.perovskites.figures.light import plot_tilts

    angles = read_csv(job.input.angles, tilts.ANGLES_COLUMNS)
    plot_tilts(angles, read_csv(job.input.tilts, tilts.COLUMNS), job.output[0])
