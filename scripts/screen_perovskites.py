"""The screen. Input compounds (parquet), references, ions (csv); output screened (parquet), passed,
funnel (csv).

params.config = leaf perovskites; params.seed = seed.
"""  # noqa: D205

import json

from defectra.perovskites import screen
from defectra.perovskites.compounds import whole_space
from defectra.perovskites.descriptors import ions_from_rows
from defectra.perovskites.tables import COMPOUNDS, IONS_COLUMNS, REFERENCES_COLUMNS
from defectra.settings.perovskites import PerovskiteStudy
from defectra.store import read_table, write_table
from defectra.tables.csvs import read_csv, write_csv

study = PerovskiteStudy(**json.loads(snakemake.params.config))
references = read_csv(snakemake.input.references, REFERENCES_COLUMNS)
ions = ions_from_rows(read_csv(snakemake.input.ions, IONS_COLUMNS))
compounds = read_table(snakemake.input.compounds, COMPOUNDS)
models = screen.train(compounds, references, ions, study, int(snakemake.params.seed))
space = whole_space()
rows, seconds = screen.predict(models, space, references, ions, compounds, study.screen)
print(f"{len(rows)} compounds predicted in {seconds:.1f} s")
write_table(snakemake.output.screened, rows, screen.screened_table())
passed = [{k: r[k] for k in screen.passed_columns()} for r in rows if r["passes"]]
write_csv(snakemake.output.passed, passed, screen.passed_columns())
write_csv(snakemake.output.funnel, screen.funnel(rows, study.screen), screen.FUNNEL_COLUMNS)
