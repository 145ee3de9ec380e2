"""Efficiency limit of GaAs films from measured absorption. Input optics (csv); output csv."""

from defectra.perovskites.slme import COLUMNS, GAAS_GAP, absorption, table
from defectra.tables.csvs import read_csv, write_csv

rows = read_csv(snakemake.input.optics, ["wavelength_um", "n", "k"])
spectrum = absorption(*([float(r[key]) for r in rows] for key in ("wavelength_um", "k")))
write_csv(snakemake.output[0], table("GaAs", GAAS_GAP, *spectrum), COLUMNS)
