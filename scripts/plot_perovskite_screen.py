"""Figures of the screen. Input screened (parquet), funnel (csv); output funnel, gap, stability.

params.config = leaf perovskites.screen.
"""

import json

from defectra.core.csvs import read_csv
from defectra.core.store import read_table
from defectra.studies.perovskites.figures.screen import plot_funnel, plot_gap, plot_stability
from defectra.studies.perovskites.screen import FUNNEL_COLUMNS, screened_table
from defectra.studies.perovskites.settings import Screen

settings = Screen(**json.loads(snakemake.params.config))
columns = ["name", "a", "b", "x", "gap_HSE", "decomposition_HSE", "decomposition_consistent"]
rows = read_table(snakemake.input.screened, screened_table(), columns)
plot_funnel(read_csv(snakemake.input.funnel, FUNNEL_COLUMNS), settings, snakemake.output.funnel)
plot_gap(rows, snakemake.output.gap)
plot_stability(rows, snakemake.output.stability)
