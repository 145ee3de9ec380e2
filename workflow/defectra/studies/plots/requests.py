"""What study `plots` asks for: batches of pictures of plots."""

from __future__ import annotations

from collections.abc import Iterator

from defectra.campaign.archive_below import below_archive
from defectra.campaign.arrays import array_kind, measured_arrays
from defectra.campaign.request import Chain, Family, Item, Known
from defectra.campaign.studies import StudyRequests
from defectra.core.arrays import array_table
from defectra.core.config import Config
from defectra.core.project_files import archive_parts
from defectra.core.records import CALCULATIONS, SPECTRA, Column
from defectra.engines.plot_images.engine import PLOTS
from defectra.studies.plots.samples import ARCHIVE, Batch, batches

PICTURES = "pictures"  # kind of result
TABLE = array_table(
    "plots_pictures",
    Column("batch", "string", "", "name of the batch"),
    Column("rule", "string", "", "where the curves come from: polynomials or spectra"),
    Column("lines", "int", "", "lines of a plot"),
    Column("dpi", "int", "1/in", "pixels per inch"),
)


def chain_of(batch: Batch) -> Chain:
    """The one calculation of a batch."""

    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        asked = {
            "seed": batch.seed,
            "count": batch.count,
            "lines": batch.lines,
            "dpi": batch.dpi,
            "curves": batch.curves,
        }
        about = {"batch": batch.name, "rule": batch.rule, "lines": batch.lines, "dpi": batch.dpi}
        yield PLOTS.request(asked, PICTURES, f"{batch.dpi}_dpi", about, size=batch.count)

    return chain


def families(config: Config) -> Iterator[Family]:
    """A family for each batch."""
    for batch in batches(config.plots):
        yield Family(batch.name, chain_of(batch))


def _files(config: Config) -> dict[str, str]:
    drawn = bool(config.plots.spectra_plots)
    return {"spectra": archive_parts(ARCHIVE, CALCULATIONS.name, SPECTRA.name)} if drawn else {}


REQUESTS = StudyRequests(
    kinds=(array_kind(PICTURES, TABLE),),
    families=families,
    archive=below_archive("plots"),
    shards=lambda config: int(config.plots.shards),
    engines=lambda config: [PLOTS.ENGINE],  # noqa: ARG005
    part=lambda config: {"plots": config.plots.model_dump(mode="json", exclude={"bootstrap"})},
    files=_files,
    measured=lambda archive: measured_arrays(archive, TABLE),
)
