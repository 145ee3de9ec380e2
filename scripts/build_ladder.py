"""Fidelity ladder. Input archives, codes, measured; output ladder (parquet), table (csv).

params.config = leaf xanes; params.protocols = leaf protocols; params.archive, params.rungs,
params.mirror, params.work = folders.
"""

import json
from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import located
from defectra.core.protocols import Protocols
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA
from defectra.core.store import Archive, write_table
from defectra.studies.xanes.ladder import (
    CODES,
    LADDER,
    LADDER_COLUMNS,
    anatase_rows,
    nickel_rungs,
    site_rungs,
)
from defectra.studies.xanes.rungs import collect
from defectra.studies.xanes.settings import XanesStudy

study, mirror = XanesStudy(**json.loads(snakemake.params.config)), Path(snakemake.params.mirror)
known = Protocols(**json.loads(snakemake.params.protocols))
archive, settings = Archive(json.loads(snakemake.params.archive)), study.ladder
settings = settings.model_copy(update={"archive": json.loads(snakemake.params.rungs)})
codes = dict(zip(CODES, located(snakemake.input.codes, mirror), strict=True))
calculations, spectra = collect(settings, known, Path(snakemake.params.work))
cells = Archive(settings.archive).read(GEOMETRIES)
nickel = (study.nickel.protocol, "balanced", study.nickel.edge_shift)
rows = [
    *anatase_rows(codes, located(snakemake.input.measured, mirror)[0]),
    *site_rungs(calculations, spectra, cells, settings),
    *nickel_rungs(archive.read(CALCULATIONS), archive.read(SPECTRA), *nickel),
]
write_table(snakemake.output.ladder, rows, LADDER)
write_csv(snakemake.output.table, [{k: r[k] for k in LADDER_COLUMNS} for r in rows], LADDER_COLUMNS)
