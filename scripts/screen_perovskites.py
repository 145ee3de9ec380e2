"""The screen. Input compounds (parquet), references, ions (csv); output screened (parquet), passed,
funnel (csv).

params.config = leaf perovskites; params.seed = seed.
"""  # noqa: D205

import json

from defectra.core.csvs import read_csv, write_csv
from defectra.core.store import read_table, write_table
from defectra.studies.perovskites import screen
from defectra.studies.perovskites.compounds import whole_space
from defectra.studies.perovskites.descriptors import ions_from_rows
from defectra.studies.perovskites.settings import PerovskiteStudy
from defectra.studies.perovskites.tables import COMPOUNDS, IONS_COLUMNS, REFERENCES_COLUMNS

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
