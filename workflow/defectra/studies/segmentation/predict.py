"""``defectra predict`` of study `segmentation`: where the ice is in a user's frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, DefectraError
from defectra.core.store import replacing
from defectra.images.measured import TO_ANGSTROM, Image, read_counts_image
from defectra.learn.answers import Answer, check_options, number_of
from defectra.studies.segmentation import evaluate
from defectra.studies.segmentation.familiar import joined, tiles
from defectra.studies.segmentation.fraction_band import USUAL_SHARE, signs
from defectra.studies.segmentation.saved_models import Limits, SavedEnsemble, read

Floats = NDArray[np.float64]
OPTIONS = ("pixel", "array", "out")
OTHER_PIXEL = 0.05  # share by which pixels may differ from those of the model
STRANGE_TILES = 0.1  # share of the squares of a frame that may be unknown to the networks
MOST = 1024  # pixels of a frame each way


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """Mask, ice fraction and uncertainty of each frame; the mask is written as a picture.

    Parameters
    ----------
    options
        ``pixel``: size of a pixel, nm, of files that do not say it; ``array``: name of the array,
        of files that hold several; ``out``: folder of the masks, else that of the frame.

    Raises
    ------
    ConfigError
        For an unknown option, or a pixel size that is none.
    DataError
        If the model is none of this study.
    """
    check_options(options, OPTIONS)
    pixel = number_of(options, "pixel", 0.0, "a number in nm, such as 0.13", (1e-6, 1e3))
    known = read(model)
    for file in files:
        try:
            image = read_counts_image(file, options.get("array", ""))
            counts = usable(image, pixel, known.limits)
            found = segmented(counts, known)
        except DefectraError as error:
            text = str(error)
            yield Answer(str(file), text if str(file) in text else f"{file}: {text}", False)
            continue
        folder = Path(options["out"]) if options.get("out") else file.parent
        mask = write_mask(found.members, folder / file.stem)
        yield answer(file, counts, found, known, mask)


def usable(image: Image, pixel: float, limits: Limits) -> Floats:
    """Electrons of a frame that the networks may be asked about.

    Raises
    ------
    DataError
        If they are no counts, or too few or many, or pixel size or number of pixels are others.
    """
    values = image.values
    if (values != np.round(values)).any() or values.min() < 0:
        raise DataError("not whole numbers from 0 on; give electrons as they were counted")
    _check_pixel(image, pixel, limits)
    if min(values.shape) < limits.size or max(values.shape) > MOST:
        height, width = values.shape
        raise DataError(
            f"{height} x {width} pixels; frames of {limits.size} to {MOST} pixels each way are "
            f"answered: cut it, or take a larger part"
        )
    few, many = limits.electrons
    if not few <= values.mean() <= many:
        raise DataError(
            f"{values.mean():.3g} electrons in a mean pixel; the networks know {few:.3g} to "
            f"{many:.3g}: sum frames, or divide grey values by those of one electron"
        )
    return values


def _check_pixel(image: Image, pixel: float, limits: Limits) -> None:
    sizes = [pixel] * 2
    if not pixel:
        if image.pixel is None or image.pixel_unit not in TO_ANGSTROM:
            raise DataError("the file states no pixel size; say --option pixel=0.13 (nm)")
        sizes = [0.1 * TO_ANGSTROM[image.pixel_unit] * size for size in image.pixel]
    if any(abs(size / limits.pixel_nm - 1) > OTHER_PIXEL for size in sizes):
        raise DataError(
            f"pixels of {sizes[0]:.4g} x {sizes[1]:.4g} nm; the networks know {limits.pixel_nm:g} "
            f"nm within {100 * OTHER_PIXEL:.0f} %: bin or resample the counts"
        )


@dataclass(frozen=True)
class Segmented:
    """What the networks say of a frame.

    Attributes
    ----------
    members
        Probability of ice by each member, shape (members, h, w).
    beside
        Ends of the true ice fraction less that of the members. They are those of squares of the
        size of the networks; of a larger frame, which has several, their mean is taken.
    """

    members: Floats
    beside: tuple[float, float]


def segmented(counts: Floats, known: SavedEnsemble) -> Segmented:
    """Probability of ice, and how far the truth may be from it.

    Raises
    ------
    DataError
        If the frame is none that the networks know.
    """
    parts, at = tiles(counts, known.limits.size)
    away = known.limits.outside(parts)
    if (away > 1).mean() > STRANGE_TILES:
        raise DataError(
            f"not answered: {(away > 1).sum()} of {len(away)} squares of {known.limits.size} "
            f"pixels have another power spectrum than the frames that the networks know (up to "
            f"{away.max():.1f} times as far as these): no frame of ice and water at this "
            f"magnification, or its counts were scaled or smoothed"
        )
    found = known.ask(parts)
    lower, upper = known.limits.band.beside.ends(signs(parts, found))
    members = joined(found, at, (counts.shape[0], counts.shape[1]))
    return Segmented(members, (float(lower.mean()), float(upper.mean())))


def write_mask(members: Floats, stem: Path) -> Path:
    """Write the mask (255 in ice) and, beside it, probability and disagreement of each pixel."""
    from PIL import Image as Pictures

    mean = members.mean(axis=0)
    mask = stem.with_name(f"{stem.name}_ice.png")
    mask.parent.mkdir(parents=True, exist_ok=True)
    with replacing(mask) as temporary, Path(temporary).open("wb") as handle:
        Pictures.fromarray(np.where(mean > 0.5, 255, 0).astype(np.uint8)).save(handle, "PNG")
    arrays = {"probability": np.float32(mean), "members_sd": np.float32(members.std(axis=0))}
    with replacing(mask.with_suffix(".npz")) as temporary, Path(temporary).open("wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)
    return mask


def answer(
    file: Path, counts: Floats, found: Segmented, known: SavedEnsemble, mask: Path
) -> Answer:
    """Ice fraction with its band, and how much it is doubted."""
    limits, electrons = known.limits, float(counts.mean())
    fraction = float(found.members.mean())
    share = float((found.members.mean(axis=0) > 0.5).mean())
    low, high = (float(np.clip(fraction + end, 0, 1)) for end in found.beside)
    doubt = evaluate.uncertainty(found.members[:, None])
    error = f"; {limits.error.sentence(electrons)}" if limits.error else ""
    text = (
        f"ice fraction {fraction:.3f} by the mean probability ({share:.3f} of the mask is ice), "
        f"truth {low:.3f} to {high:.3f} (90 % band); "
        f"entropy {doubt['entropy'][0]:.3f}, disagreement {doubt['disagreement'][0]:.3f} nats a "
        f"pixel{error}; mask {mask}"
    )
    reach = max(found.beside[1], -found.beside[0])
    sure = reach <= limits.band.usual_reach
    if not sure:
        text += (
            f"; doubtful: the true fraction may be {reach:.2f} away from that of the mean "
            f"probability, more than in {100 * USUAL_SHARE:.0f} % of usual frames "
            f"({limits.band.usual_reach:.2f}): few electrons, another focus or drift. Use the "
            f"band, not the mask"
        )
    return Answer(str(file), text, sure)
