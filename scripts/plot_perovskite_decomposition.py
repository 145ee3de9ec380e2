"""Figure `decomposition`. Input decomposition, vacancies (csv); output[0] png."""

from defectra.figures.perovskite_runs import plot_decomposition
from defectra.perovskites import decomposition, vacancies
from defectra.tables.csvs import read_csv

rows = read_csv(snakemake.input.decomposition, decomposition.COLUMNS)
pairs = read_csv(snakemake.input.vacancies, vacancies.COLUMNS)
plot_decomposition(rows, pairs, snakemake.output[0])
