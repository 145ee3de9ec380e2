"""Steps: what the rules of study `registration` do with their files; no science here."""

from __future__ import annotations

from defectra.core.step import Job, decoded, settings_of


def recover_registration(job: Job) -> None:
    """Synthetic images registered blindly, and images of something else.

    Input images (parquet), arrays (h5 beside it); output recovered, refusals (csv).

    params.config = leaf registration; params.seed = seed.
    """
    from pathlib import Path

    from defectra.core.arrays import ArrayReader
    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table
    from defectra.studies.registration.blind import (
        RECOVERED_COLUMNS,
        REFUSAL_COLUMNS,
        recovered,
        refusals,
    )
    from defectra.studies.registration.requests import IMAGES
    from defectra.studies.registration.settings import RegistrationStudy

    settings, seed = settings_of(job, RegistrationStudy), decoded(job, "seed")
    with ArrayReader(Path(job.input.images).parent) as arrays:
        found = list(recovered(read_table(job.input.images, IMAGES), arrays, settings))
    write_csv(job.output.recovered, found, RECOVERED_COLUMNS)
    write_csv(job.output.refusals, refusals(settings, seed), REFUSAL_COLUMNS)


def register_micrographs(job: Job) -> None:
    """The published micrographs.

    Input files (of the mirror; none without it); output fits, trace, missing (csv), frames (npz).

    params.config = leaf registration; params.mirror.
    """
    from pathlib import Path

    from defectra.core.csvs import write_csv
    from defectra.studies.registration.measured import FIT_COLUMNS, TRACE_COLUMNS
    from defectra.studies.registration.micrographs import MISSING_COLUMNS, micrographs
    from defectra.studies.registration.settings import RegistrationStudy

    settings, mirror = settings_of(job, RegistrationStudy), job.params.mirror
    results = micrographs(list(job.input.get("files", [])), Path(mirror or "."), settings)
    write_csv(job.output.fits, results.fits, FIT_COLUMNS)
    write_csv(job.output.trace, results.trace, TRACE_COLUMNS)
    write_csv(job.output.missing, results.missing, MISSING_COLUMNS)
    results.save_frames(job.output.frames)


def save_registration_models(job: Job) -> None:
    """Bicrystals that `defectra predict` looks for in a user's image; output twin, tilt (npz)."""
    from defectra.studies.registration.predict import save_cell

    for name in ("twin", "tilt"):
        save_cell(job.output[name], name)


def score_registration(job: Job) -> None:
    """Scorecard and checks.

    Input recovered, refusals, fits, missing (csv); output scorecard, checks (csv).
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.studies.registration.blind import RECOVERED_COLUMNS, REFUSAL_COLUMNS
    from defectra.studies.registration.measured import FIT_COLUMNS
    from defectra.studies.registration.micrographs import MISSING_COLUMNS
    from defectra.studies.registration.scorecard import checks, scorecard

    fits = read_csv(job.input.fits, FIT_COLUMNS)
    gone = read_csv(job.input.missing, MISSING_COLUMNS)
    missing = "; ".join(row["reason"] for row in gone)
    write_csv(job.output.scorecard, scorecard(fits, missing), SCORECARD_COLUMNS)
    recovered = read_csv(job.input.recovered, RECOVERED_COLUMNS)
    refused = read_csv(job.input.refusals, REFUSAL_COLUMNS)
    write_csv(job.output.checks, checks(recovered, refused, fits, missing), CHECK_COLUMNS)


def plot_registration_recovery(job: Job) -> None:
    """Figure of the blind recovery.

    Input recovered, refusals (csv); output[0] png.

    params.config = leaf registration.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.registration.blind import RECOVERED_COLUMNS, REFUSAL_COLUMNS
    from defectra.studies.registration.figures.recovery import plot_recovery
    from defectra.studies.registration.settings import RegistrationStudy

    settings = settings_of(job, RegistrationStudy)
    recovered = read_csv(job.input.recovered, RECOVERED_COLUMNS)
    refused = read_csv(job.input.refusals, REFUSAL_COLUMNS)
    plot_recovery(recovered, refused, settings, job.output[0])


def plot_registration_frames(job: Job) -> None:
    """Figures of the micrographs.

    Input frames (npz), trace, missing (csv); output frames, objective (png).
    """
    from defectra.core.csvs import read_csv
    from defectra.core.npz import read_npz
    from defectra.studies.registration.figures.frames import plot_frames, plot_objective
    from defectra.studies.registration.measured import TRACE_COLUMNS
    from defectra.studies.registration.micrographs import MISSING_COLUMNS

    missing = [row["reason"] for row in read_csv(job.input.missing, MISSING_COLUMNS)]
    plot_frames(read_npz(job.input.frames), missing, job.output.frames)
    plot_objective(read_csv(job.input.trace, TRACE_COLUMNS), missing, job.output.objective)
