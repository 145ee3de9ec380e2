"""Figure `decomposition`. Input decomposition, vacancies (csv); output[0] png."""

from defectra.core.csvs import read_csv
from defectra.studies.perovskites import decomposition, vacancies
from defectra.studies.perovskites.figures.runs import plot_decomposition

rows = read_csv(snakemake.input.decomposition, decomposition.COLUMNS)
pairs = read_csv(snakemake.input.vacancies, vacancies.COLUMNS)
plot_decomposition(rows, pairs, snakemake.output[0])
