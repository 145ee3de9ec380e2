"""Published levels. Input impurities, natives (csv of the mirror); output levels, left_out.

params.mirror, params.natives (whether native defects train).
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.datasets import locate
from defectra.core.store import write_table
from defectra.studies.levels.published import (
    LEFT_OUT_COLUMNS,
    LEVELS,
    read_impurities,
    read_natives,
)

SET = "levels/ai_semiconductors"
mirror = json.loads(snakemake.params.mirror)
rows, left_out = read_impurities(locate(f"{SET}/DFT_impurities.csv", mirror))
if json.loads(snakemake.params.natives):
    natives, more = read_natives(locate(f"{SET}/DFT_native_defects.csv", mirror))
    rows, left_out = rows + natives, left_out + more
write_table(snakemake.output.levels, rows, LEVELS)
write_csv(snakemake.output.left_out, left_out, LEFT_OUT_COLUMNS)
