"""Steps behind the rules that a user asks for: runs fed back, VASP folders."""

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from defectra.campaign.ledger import Ledger
from defectra.core.project_files import archive_parts, project_files
from defectra.core.store import Archive
from defectra.studies.levels import calculations, steps_computed
from defectra.studies.levels.requests import REQUESTS
from tests.parsers.test_vasp_cells import geometry, write
from tests.vasp_files import write_run

ROOT = Path(__file__).parents[2]
# Stands in for a Python with GPAW: answers of the fake engine, and a count of its starts.
GPAW = f"""#!{sys.executable}
import json, pathlib, sys
if "-c" in sys.argv:
    sys.exit(print("fake"))
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "workflow")!r}]
from tests.unit.test_levels_calculations import Engine
engine = Engine()
engine.start(json.loads(pathlib.Path(sys.argv[-2]).read_text()), 0, pathlib.Path(sys.argv[-1]))
pathlib.Path(sys.argv[0] + ".asked").open("a").write("x" * len(engine.asked))
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Runs a step of the study in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(name, **asked):
        asked = {k: SimpleNamespace(**v) if isinstance(v, dict) else v for k, v in asked.items()}
        asked.setdefault("log", [f"results/logs/{name}.log"])
        getattr(steps_computed, name)(SimpleNamespace(**asked))

    return run


def read(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_head_of_the_ranked_list_is_computed(script, root, tmp_path, config, monkeypatch):
    gpaw = tmp_path / "python"
    gpaw.write_text(GPAW)
    gpaw.chmod(0o755)
    monkeypatch.setenv("DEFECTRA_GPAW", str(gpaw))
    (tmp_path / "next.csv").write_text(
        "rank,host,site,impurity,charges,gain_eV\n1,AlP,M_A,Zn,+1 0 -1,1.0\n2,BN,M_A,Zn,0 -1,0.9\n"
    )
    levels = {n: p.model_dump(mode="json") for n, p in config.protocols.gpaw_levels.items()}
    script(
        "run_next_levels",
        input={"ranked": "next.csv"},
        output=["next_levels.csv"],
        params={
            "config": config.levels.live.model_dump_json(),
            "protocols": json.dumps(levels),
            "coefficient": "0.14",
            "archive": archive_parts(str(tmp_path / "none")),
            **project_files(properties=config.levels.hosts),
        },
    )
    rows = read(tmp_path / "next_levels.csv")
    assert [(r["host"], r["q_from"], r["q_to"]) for r in rows] == [("AlP", "1", "0"),
                                                                   ("AlP", "0", "-1")]  # fmt: skip
    assert [float(r["bare_eV"]) for r in rows] == pytest.approx([0.6, 0.6])
    asked = (tmp_path / "python.asked").read_text()
    assert len(asked) == 5  # host, bulk, three charges
    ledger = Ledger(REQUESTS.kinds, journals=[tmp_path / "results/store/levels_next.journal"])
    assert len(calculations.tables_of(ledger, Archive("none"), {}).cells) == 4


def test_folders_of_vasp_runs_become_levels_and_reasons(script, tmp_path):
    write(tmp_path / "runs")
    lattice, species, coords = geometry("M_B", "P")
    for name, charge, cutoff in (("a", 0, 400.0), ("b", -1, 300.0)):
        write_run(tmp_path / "runs" / name, lattice, species, coords, charge, -39.0 - charge,
                  potentials=[-70.0] * 16, cutoff=cutoff)  # fmt: skip
    entry = {"folder": "runs", "host": "CdTe", "dielectric": [7.0, 0, 0, 0, 7.0, 0, 0, 0, 7.0]}
    output = SimpleNamespace(levels="levels.csv", left_out="left_out.csv", cells="cells.csv")
    nothing = {"results": "[]", "tables": "[]", "coefficient": "0.14"}
    params = {"parsed": json.dumps([entry]), **nothing}
    script("parse_levels", output=output, params=params)
    (row,) = read(tmp_path / "levels.csv")
    assert (row["impurity"], row["q_from"], row["protocol"]) == ("Cu", "0", "parsed")
    assert float(row["bare_eV"]) == pytest.approx(0.8)
    unlike, alone = read(tmp_path / "left_out.csv")  # the cell, and what is left of its set
    assert "ENCUT" in unlike["reason"]
    assert alone["source"] == "P M_B"
    assert "one charge alone" in alone["reason"]
    entry["folder"] = "nowhere"
    with pytest.raises(Exception, match="no such folder"):
        script("parse_levels", output=output, params=params | {"parsed": json.dumps([entry])})
