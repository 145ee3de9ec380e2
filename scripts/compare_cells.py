"""Decomposition energies, vacancies and mixed cells of our own beside the published columns.

Input runs, cells, compounds (parquet), excesses (csv); output csv.
"""

from defectra.perovskites import decomposition, vacancies
from defectra.perovskites.cells import CELLS
from defectra.perovskites.salts import EXCESS_COLUMNS
from defectra.perovskites.tables import COMPOUNDS, RUNS
from defectra.store import read_table
from defectra.tables.csvs import read_csv, write_csv

runs = read_table(snakemake.input.runs, RUNS)
cells = read_table(snakemake.input.cells, CELLS)
published = read_table(snakemake.input.compounds, COMPOUNDS)
excesses = read_csv(snakemake.input.excesses, EXCESS_COLUMNS)
rows = decomposition.compare(runs, cells, published, excesses)
write_csv(snakemake.output.decomposition, rows, decomposition.COLUMNS)
write_csv(snakemake.output.summary, decomposition.summary(rows), decomposition.SUMMARY_COLUMNS)
pairs = vacancies.compare(runs, cells, published)
write_csv(snakemake.output.vacancies, pairs, vacancies.COLUMNS)
mixed = vacancies.mixing(runs, cells, published)
write_csv(snakemake.output.mixing, mixed, vacancies.MIXING_COLUMNS)
