"""Union of the naive layout."""

import json
from pathlib import Path

rows = [json.loads(Path(path).read_text()) for path in snakemake.input]
Path(snakemake.output[0]).write_text(json.dumps(rows))
