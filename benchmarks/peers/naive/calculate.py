"""One calculation of the naive layout: the same engine, one JSON file."""

import json
from pathlib import Path

from defectra.engines.feff.settings import FeffProtocol
from defectra.engines.synthetic import run as synthetic

data = json.loads(Path(snakemake.input[0]).read_text())
task = data["tasks"][snakemake.wildcards.name]
protocol = FeffProtocol.model_validate(data["protocol"])
geometry = data["geometries"][task["structure_id"]]
outcome = synthetic.site(geometry, task["site_index"]).run(task["edge"], protocol)
found = synthetic.parse(outcome.files)
row = {"calculation_id": outcome.calculation_id, "mu": found.mu.tolist()}
Path(snakemake.output[0]).write_text(json.dumps(row))
