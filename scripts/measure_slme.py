"""Efficiency limit of GaAs films from measured absorption. Input optics (csv); output csv."""

from defectra.core.csvs import read_csv, write_csv
from defectra.studies.perovskites.slme import COLUMNS, GAAS_GAP, absorption, table

rows = read_csv(snakemake.input.optics, ["wavelength_um", "n", "k"])
spectrum = absorption(*([float(r[key]) for r in rows] for key in ("wavelength_um", "k")))
write_csv(snakemake.output[0], table("GaAs", GAAS_GAP, *spectrum), COLUMNS)
