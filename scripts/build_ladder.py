"""Fidelity ladder. Input archive, codes, measured; output ladder (parquet), table (csv).

params.config = leaf xanes; params.archive, params.mirror = folders.
"""

import json
from pathlib import Path

from defectra.datasets import located
from defectra.records import CALCULATIONS, SPECTRA
from defectra.settings.xanes import XanesStudy
from defectra.store import Archive, write_table
from defectra.tables.csvs import write_csv
from defectra.xanes.ladder import CODES, LADDER, LADDER_COLUMNS, anatase_rows, nickel_rungs

study, mirror = XanesStudy(**json.loads(snakemake.params.config)), Path(snakemake.params.mirror)
archive = Archive(json.loads(snakemake.params.archive))
codes = dict(zip(CODES, located(snakemake.input.codes, mirror), strict=True))
rows = [
    *anatase_rows(codes, located(snakemake.input.measured, mirror)[0]),
    *nickel_rungs(
        archive.read(CALCULATIONS),
        archive.read(SPECTRA),
        study.nickel.protocol,
        "balanced",
        study.nickel.edge_shift,
    ),
]
write_table(snakemake.output.ladder, rows, LADDER)
write_csv(snakemake.output.table, [{k: r[k] for k in LADDER_COLUMNS} for r in rows], LADDER_COLUMNS)
