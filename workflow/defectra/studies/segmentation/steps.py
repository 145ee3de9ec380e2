"""Steps: what the rules of study `segmentation` do with their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from defectra.core.step import Job, results_of, settings_of

if TYPE_CHECKING:
    from defectra.core.arrays import ArrayReader
    from defectra.studies.segmentation.calibrated_error import CalibratedError
    from defectra.studies.segmentation.data import Frames
    from defectra.studies.segmentation.fraction_band import FractionBand
    from defectra.studies.segmentation.settings import SegmentationStudy


def _frames(path: str, settings: SegmentationStudy) -> tuple[dict[str, Frames], dict[str, Frames]]:
    """Frames to train on (with those to validate on), and frames that all members are asked."""
    from functools import partial
    from pathlib import Path

    from defectra.core.arrays import ArrayReader
    from defectra.core.store import read_table
    from defectra.studies.segmentation import requests
    from defectra.studies.segmentation.data import frames
    from defectra.studies.segmentation.settings import CLEAN, POOR, USUAL
    from defectra.studies.segmentation.thinned import HALF, SHARES, set_name, thinned

    rows = read_table(path, requests.FRAMES)
    with ArrayReader(Path(path).parent) as arrays:
        training = {c: frames(rows, arrays, requests.TRAINING, c) for c in (CLEAN, USUAL)}
        training["validation"] = frames(rows, arrays, requests.VALIDATION, USUAL)
        names = (*settings.tested(), POOR)
        asked = {c: frames(rows, arrays, requests.TEST, c) for c in names}
        half = partial(thinned, share=HALF, seed=1)
        asked |= {set_name(c, HALF): frames(rows, arrays, requests.TEST, c, half) for c in names}
        for share in SHARES:
            thin = partial(thinned, share=share, seed=0)
            asked[set_name("validation", share)] = frames(
                rows, arrays, requests.VALIDATION, USUAL, thin
            )
    return training, asked | {"validation": training["validation"]}


def train_segmentation(job: Job) -> None:
    """All members of one seed.

    Input movies (parquet), arrays (h5 beside it); output members (npz), costs (csv), network
    (safetensors): that of the ensemble which is best on the validation frames.

    params.config = leaf segmentation; params.seed = seed; wildcard number = of the repeat.
    """
    import numpy as np

    from defectra.core.csvs import write_csv
    from defectra.core.store import replacing
    from defectra.learn.torch_library import need_torch
    from defectra.studies.segmentation.ensembles import COST_COLUMNS, one_seed
    from defectra.studies.segmentation.saved_models import keep_best
    from defectra.studies.segmentation.settings import SegmentationStudy

    need_torch().set_num_threads(1)
    settings = settings_of(job, SegmentationStudy)
    training, asked = _frames(job.input.movies, settings)
    number = int(job.wildcards.number)
    folder = results_of(job) / "segmentation" / "members" / f"seed-{number}"
    found = one_seed(training, asked, settings, 1000 * int(job.params.seed) + number, folder)
    arrays = {f"{k}/{c}": p for k, sets in found.members.items() for c, p in sets.items()}
    with replacing(job.output.members) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **_halved(arrays))
    write_csv(job.output.costs, found.costs, COST_COLUMNS)
    keep_best(job.output.network, found, asked["validation"])


def save_segmentation(job: Job) -> None:
    """The best ensemble of the first seed as a model for a user's frames, and how good it is.

    Input movies (parquet), arrays (h5 beside it), members (npz), network (safetensors) of the seed;
    output model (safetensors), table (csv).

    params.config = leaf segmentation.
    """
    from pathlib import Path

    from defectra.core.arrays import ArrayReader
    from defectra.core.csvs import write_csv
    from defectra.core.store import read_table
    from defectra.learn.saved_network import head_of
    from defectra.studies.segmentation import requests, saved_models, saved_scores
    from defectra.studies.segmentation.data import counted
    from defectra.studies.segmentation.settings import CLEAN, POOR, USUAL, SegmentationStudy

    settings = settings_of(job, SegmentationStudy)
    _, asked = _frames(job.input.movies, settings)
    members = _members(job.input.members)[head_of(job.input.network).name]
    rows = read_table(job.input.movies, requests.FRAMES)
    uses = ((requests.TRAINING, CLEAN), (requests.TRAINING, USUAL), (requests.VALIDATION, USUAL))
    with ArrayReader(Path(job.input.movies).parent) as arrays:
        known = {f"{use} {c}": counted(rows, arrays, use, c) for use, c in uses}
        tested = {c: counted(rows, arrays, requests.TEST, c)[0] for c in (*settings.tested(), POOR)}
        band, error = _calibrated(rows, arrays, job.input.network, settings)
    fewer = saved_models.with_fewer_electrons(known, settings)
    limits = saved_models.learn_limits({**known, **fewer}, band, error, settings)
    scores = list(saved_scores.table(members, asked, tested, limits, settings))
    write_csv(job.output.table, scores, saved_scores.TABLE_COLUMNS)
    saved_models.finish(job.input.network, job.output.model, limits, scores)


def _calibrated(
    rows: Any, arrays: ArrayReader, network: str, settings: SegmentationStudy
) -> tuple[FractionBand, CalibratedError]:
    """Band of the ice fraction, from the calibration movies, and the error over their range."""
    import numpy as np

    from defectra.studies.segmentation import evaluate, requests, saved_models
    from defectra.studies.segmentation.calibrated_error import learn_calibrated_error
    from defectra.studies.segmentation.data import counted, frames
    from defectra.studies.segmentation.fraction_band import learn_fraction_band
    from defectra.studies.segmentation.settings import RANGE, USUAL

    each = [frames(rows, arrays, requests.CALIBRATION, c) for c in (USUAL, RANGE)]
    counts = [counted(rows, arrays, requests.CALIBRATION, c)[0] for c in (USUAL, RANGE)]
    members = [saved_models.ask_kept(network, c) for c in counts]
    band = learn_fraction_band(
        np.concatenate(counts),
        np.concatenate(members, axis=1),
        np.concatenate([evaluate.truth_fraction(one) for one in each]),
        [name for one in each for name in one.movie],
        np.repeat([True, False], [len(one) for one in each]),
    )
    wide = each[1]
    return band, learn_calibrated_error(
        wide.electrons, members[1], wide.truth[:, 0], settings.calibration
    )


def _halved(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays as float16, for a file."""
    import numpy as np

    return {name: np.asarray(value, np.float16) for name, value in arrays.items()}


def evaluate_segmentation(job: Job) -> None:
    """Scores of all seeds together.

    Input movies (parquet), arrays (h5), members (npz), costs (csv) of each seed; output metrics,
    quality, fractions, costs (csv), examples (npz).

    params.config = leaf segmentation.
    """
    import numpy as np

    from defectra.core.csvs import read_csv, write_csv
    from defectra.core.store import replacing
    from defectra.studies.segmentation import ensembles, quality
    from defectra.studies.segmentation.settings import POOR, USUAL, SegmentationStudy

    settings = settings_of(job, SegmentationStudy)
    training, asked = _frames(job.input.movies, settings)
    seeds, costs = [], []
    for number, (members, table) in enumerate(zip(job.input.members, job.input.costs, strict=True)):
        seeds.append(ensembles.OneSeed(number, _members(members), []))
        costs += [row | {"seed": number} for row in read_csv(table, ensembles.COST_COLUMNS)]
    rows = ensembles.metrics(seeds, asked, training[USUAL], settings)
    write_csv(job.output.metrics, rows, ensembles.METRIC_COLUMNS)
    fractions = ensembles.fraction_rows(seeds, asked, settings)
    write_csv(job.output.fractions, fractions, ensembles.FRACTION_COLUMNS)
    write_csv(
        job.output.quality, quality.quality_rows(fractions, settings), quality.QUALITY_COLUMNS
    )
    write_csv(job.output.costs, costs, ensembles.COST_COLUMNS)
    seen = [*settings.tested(), POOR]
    shown = {c: asked[c].x[:4, 0] for c in seen}
    shown |= {f"{c}/truth": asked[c].truth[:4, 0] for c in seen}
    shown |= {f"{c}/EA": seeds[0].members[ensembles.EA][c][:, :4].mean(axis=0) for c in seen}
    with replacing(job.output.examples) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **_halved(shown))


def _members(path: str) -> Mapping[str, Mapping[str, Any]]:
    """Probabilities by ensemble and set."""
    import numpy as np

    out: dict[str, dict[str, Any]] = {}
    with np.load(path, allow_pickle=False) as kept:
        for key in kept.files:
            label, _, condition = key.partition("/")
            out.setdefault(label, {})[condition] = np.float32(kept[key])
    return out


def score_segmentation(job: Job) -> None:
    """Scorecard and checks.

    Input metrics, quality, costs, model (csv); output scorecard, checks (csv).

    params.config = leaf segmentation.
    """
    from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
    from defectra.core.csvs import read_csv, write_csv
    from defectra.studies.segmentation import ensembles, quality, saved_scores, scores
    from defectra.studies.segmentation.settings import SegmentationStudy

    settings = settings_of(job, SegmentationStudy)
    model = read_csv(job.input.model, saved_scores.TABLE_COLUMNS)
    metrics = read_csv(job.input.metrics, ensembles.METRIC_COLUMNS)
    found = read_csv(job.input.quality, quality.QUALITY_COLUMNS)
    costs = read_csv(job.input.costs, ensembles.COST_COLUMNS)
    card = scores.scorecard(metrics, found, settings)
    write_csv(job.output.scorecard, card, SCORECARD_COLUMNS)
    write_csv(job.output.checks, scores.checks(metrics, found, costs, model), CHECK_COLUMNS)


def plot_segmentation_scores(job: Job) -> None:
    """Figure of scores and differences.

    Input metrics (csv); output[0] png.
    """
    from defectra.core.csvs import read_csv
    from defectra.studies.segmentation.ensembles import METRIC_COLUMNS
    from defectra.studies.segmentation.figures.scores import plot_scores

    plot_scores(read_csv(job.input.metrics, METRIC_COLUMNS), job.output[0])


def plot_segmentation_frames(job: Job) -> None:
    """Figure of frames, truth and answers, and of ice fractions with their bands.

    Input examples (npz), fractions (csv); output frames, fractions (png).
    """
    import numpy as np

    from defectra.core.csvs import read_csv
    from defectra.studies.segmentation.ensembles import FRACTION_COLUMNS
    from defectra.studies.segmentation.figures.frames import plot_fractions, plot_frames

    with np.load(job.input.examples, allow_pickle=False) as kept:
        plot_frames({key: np.float32(kept[key]) for key in kept.files}, job.output.frames)
    plot_fractions(read_csv(job.input.fractions, FRACTION_COLUMNS), job.output.fractions)
