"""Measured Ni K. Input archive, series, regressor, oxides; output series, oxides, importance,
metrics (csv), nickel (parquet), models (npz).

params.config = leaf xanes; params.seed = seed; params.archive, params.mirror = folders.
"""  # noqa: D205

import json
from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import located
from defectra.core.records import CALCULATIONS, GEOMETRIES, METRICS_COLUMNS, SPECTRA
from defectra.core.store import Archive, write_table
from defectra.learn.forest import Forest, read_npz
from defectra.studies.xanes import series as measured
from defectra.studies.xanes.nickel import NICKEL, nickel_rows
from defectra.studies.xanes.published import read_series
from defectra.studies.xanes.settings import XanesStudy

study, seed = XanesStudy(**json.loads(snakemake.params.config)), int(snakemake.params.seed)
mirror, archive = Path(snakemake.params.mirror), Archive(json.loads(snakemake.params.archive))
path = {k: located(snakemake.input[k], mirror) for k in ("series", "regressor", "oxides")}
tables = [archive.read(t) for t in (CALCULATIONS, GEOMETRIES, SPECTRA)]
rows = nickel_rows(*tables, study.nickel.protocol, study.nickel.edge_shift)
published = Forest.from_arrays(read_npz(path["regressor"][0]), str(path["regressor"][0]))
found = measured.measure(rows, read_series(path["series"][0]), published, study, seed)
write_table(snakemake.output.nickel, rows, NICKEL)
write_csv(snakemake.output.series, found.series, measured.SERIES_COLUMNS)
write_csv(snakemake.output.metrics, found.metrics, METRICS_COLUMNS)
oxides = measured.oxide_rows(path["oxides"], found.models)
write_csv(snakemake.output.oxides, oxides, measured.OXIDES_COLUMNS)
looked = measured.importance_rows(found.models, found.spectra, seed)
write_csv(snakemake.output.importance, looked, measured.IMPORTANCE_COLUMNS)
for model, target in zip(found.models, snakemake.output.models, strict=True):
    model.write(target)
