"""Decomposition energies, vacancies and mixed cells of our own beside the published columns.

Input runs, cells, compounds (parquet), excesses (csv); output csv.
"""

from defectra.core.csvs import read_csv, write_csv
from defectra.core.store import read_table
from defectra.studies.perovskites import decomposition, vacancies
from defectra.studies.perovskites.binary_phases import EXCESS_COLUMNS
from defectra.studies.perovskites.cells import CELLS
from defectra.studies.perovskites.tables import COMPOUNDS, RUNS

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
