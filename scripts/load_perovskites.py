"""Published perovskites, checked. Input files of the mirror; output compounds (parquet) and csv.

params.mirror = folder of the published data; input main, defects, pbe, hse, elements.
"""

from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import locate
from defectra.core.store import write_table
from defectra.studies.perovskites import elements, loader, quality
from defectra.studies.perovskites.references import reference_rows
from defectra.studies.perovskites.tables import (
    COMPOUNDS,
    IONS_COLUMNS,
    QUALITY_COLUMNS,
    REFERENCES_COLUMNS,
)

mirror = Path(snakemake.params.mirror)
path = {k: locate(str(Path(v).relative_to(mirror)), mirror) for k, v in snakemake.input.items()}
ml = loader.read_defects(path["defects"], loader.read_main(path["main"]))
ml, findings = quality.check(ml)
pbe, left_out = loader.read_design(path["pbe"], "PBE")
hse, _ = loader.read_design(path["hse"], "HSE")
print("left out:", left_out)
references = [*reference_rows(pbe, "PBE"), *reference_rows(hse, "HSE")]
write_table(snakemake.output.compounds, loader.merge_sets(ml, pbe, hse), COMPOUNDS)
write_csv(snakemake.output.references, references, REFERENCES_COLUMNS)
write_csv(snakemake.output.quality, findings, QUALITY_COLUMNS)
write_csv(snakemake.output.ions, elements.compare(path["elements"]), IONS_COLUMNS)
