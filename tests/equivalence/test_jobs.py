"""The comparison of jobs sees what it must, and passes over what it may."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.equivalence.__main__ import main
from tests.equivalence.counts import changed, counted, table
from tests.equivalence.declared import Declared
from tests.equivalence.jobs import differences, dump, title

pytestmark = pytest.mark.workflow

SNAKEFILE = """
localrules: all

rule all:
    input: "results/a/table.csv"

rule make_table:
    input:
        rows=expand("results/rows/{k}.csv", k=[1, 2]),
        mirror=config["mirror"] + "/list.csv",
    output: "results/a/table.csv"
    log: "results/logs/table.log"
    threads: 2
    resources: mem_mb=lambda wildcards, attempt: 500 * attempt
    params:
        code="0123abcd",
        trees=5,
        root=workflow.basedir,
        near=__import__("os").path.relpath(workflow.basedir + "/lists"),
    shell: "touch {output}"

rule make_rows:
    output: "results/rows/{k}.csv"
    params: number=lambda wildcards: int(wildcards.k)
    shell: "touch {output}"
"""


def checkout(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SNAKEFILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text("seed: 1\n")
    (folder / "Snakefile").write_text(text)
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "list.csv").write_text("a\n")
    return folder


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, published: Path):
    folder = checkout(tmp_path_factory.mktemp("before") / "project")
    return dump(folder, published, sys.executable, ("all",))


def test_a_dump_says_all_and_nothing_of_the_machine(before, tmp_path_factory) -> None:
    assert [title(job) for job in before["jobs"]] == [
        "all",
        "make_rows(k=1)",
        "make_rows(k=2)",
        "make_table",
    ]
    table = before["jobs"][-1]
    assert table["input"] == {
        "rows": ["results/rows/1.csv", "results/rows/2.csv"],
        "mirror": "<mirror>/list.csv",
    }
    places = {"root": "<checkout>", "near": "<checkout>/lists"}
    assert table["params"] == {"trees": 5, **places}
    assert (table["resources"]["mem_mb"], table["threads"], table["local"]) == (500, 2, False)
    assert before["jobs"][1]["params"] == {"number": 1}
    assert [job["local"] for job in before["jobs"]] == [True, False, False, False]
    assert str(tmp_path_factory.getbasetemp()) not in json.dumps(before)


def test_code_in_another_place_is_no_difference(before, published, tmp_path) -> None:
    folder = checkout(tmp_path / "much/deeper/elsewhere", ("0123abcd", "ffff0000"))
    assert differences(before, dump(folder, published, sys.executable, ("all",)), Declared()) == []


CHANGES = (
    ("make_rows", "count_rows"),
    ("results/a/", "results/b/"),
    ("trees=5", "forest=6"),
    ("500 * attempt", "700 * attempt"),
    ("k=[1, 2]", "k=[1, 3]"),
)


def test_every_change_is_said_until_it_is_declared(before, published, tmp_path) -> None:
    after = dump(checkout(tmp_path / "after", *CHANGES), published, sys.executable, ("all",))
    said = differences(before, after, Declared())
    assert [text for text in said if text.startswith(("rule", "job"))] == [
        "rule make_rows is gone",
        "rule count_rows is new",
        "job make_rows(k=1) is gone",
        "job make_rows(k=2) is gone",
        "job count_rows(k=1) is new",
        "job count_rows(k=3) is new",
    ]
    assert {text for text in said if text.startswith("make_table")} >= {
        'make_table: input rows lost ["results/rows/2.csv"] and gained ["results/rows/3.csv"]',
        'make_table: output (without a name) lost ["results/a/table.csv"] '
        'and gained ["results/b/table.csv"]',
        "make_table: params trees is gone",
        "make_table: params forest is new: 6",
        "make_table: resources mem_mb was 500 and is 700",
    }
    meant = Declared(
        rules={"make_rows": "count_rows"},
        paths={"results/a": "results/b"},
        params={"make_table.trees": "forest"},
    )
    left = [text for text in differences(before, after, meant) if " mem" not in text]
    assert left == [
        "job count_rows(k=2) is gone",
        "job count_rows(k=3) is new",
        'make_table: input rows lost ["results/rows/2.csv"] and gained ["results/rows/3.csv"]',
        "make_table: params forest was 5 and is 6",
    ]
    found = differences(before, after, meant)
    assert Declared(accepted=found).left(found) == []
    kinds = {r"job count_rows\(k=\d\) is .*": "other rows", "make_table: .*": "another table"}
    assert Declared(meant=kinds).left(found) == []
    assert Declared(meant=kinds).reasons(found)[0] == "2 meant: other rows"
    assert Declared(meant={"job": "a part of a text is not the text"}).left(found)[:-1] == found


def test_what_is_declared_and_never_found_is_said() -> None:
    declared = Declared(accepted=["never said"], meant={"never .*": "why"})
    assert declared.left([]) == [
        "accepted, but not found: never said",
        "accepted, but not found: never .*",
    ]


def test_the_order_of_files_is_an_interface(before) -> None:
    after = json.loads(json.dumps(before))
    after["jobs"][-1]["input"]["rows"].reverse()
    (said,) = differences(before, after, Declared())
    assert said == "make_table: input rows has its 2 entries in another order or number (2 before)"


def test_a_rule_that_is_gone_on_purpose_takes_its_jobs_along(before) -> None:
    after = json.loads(json.dumps(before))
    after["rules"].remove("make_rows")
    after["jobs"] = [job for job in after["jobs"] if job["rule"] != "make_rows"]
    assert len(differences(before, after, Declared())) == 3
    assert differences(before, after, Declared(rules={"make_rows": None})) == []


def test_an_edit_reruns_what_follows(before) -> None:
    after = json.loads(json.dumps(before))
    assert changed(before, after) == (set(), set())
    rows = next(job for job in after["jobs"] if job["rule"] == "make_rows")
    rows["params"]["number"] = 7
    assert changed(before, after) == ({"make_rows"}, {"make_rows", "make_table", "all"})


def test_counts_of_a_checkout(tmp_path) -> None:
    folder = checkout(tmp_path / "project")
    (folder / "workflow/defectra/engines").mkdir(parents=True)
    long = "def long():\n" + "    x = 1\n" * 59
    (folder / "workflow/defectra/engines/feff.py").write_text(long + "\n\ndef short(): ...\n")
    (folder / "workflow/defectra/all.py").write_text("names = 'nmc', 'levels', 'xanes'\n")
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "workflow/defectra/unknown.py").write_text("not known to git\n")
    known = ["Snakefile", "workflow/defectra/engines/feff.py", "workflow/defectra/all.py"]
    subprocess.run(["git", "-C", folder, "add", *known], check=True)
    found = counted(folder)
    assert found["package"] == "64 in 2 files"
    assert found["longest function"] == "60 (feff.long)"
    assert found["functions of 50 lines and more"] == "1"
    assert found["files of code that name three or more of the studies"] == "1 (defectra/all.py)"
    assert table({"package": "1"}, found).splitlines()[2] == "| package | 1 | 64 in 2 files |"


def test_command_line(before, published, tmp_path, capsys) -> None:
    folder = checkout(tmp_path / "broken", ("/list.csv", "/no_such_list.csv"))
    with pytest.raises(SystemExit, match=r"(?s)broken: no jobs.*/no_such_list\.csv"):
        dump(folder, published, sys.executable, ("all",))
    kept = tmp_path / "before.json"
    kept.write_text(json.dumps(before))
    changed = tmp_path / "after.json"
    changed.write_text(json.dumps(before).replace('"trees": 5', '"trees": 6'))
    same = ["jobs", "--mirror", str(published), "--before", str(kept), "--after"]
    assert main([*same, str(kept)]) == 0
    assert "3 rules, 4 jobs" in capsys.readouterr().out
    assert main([*same, str(changed)]) == 1
    assert "make_table: params trees was 5 and is 6\n1 difference" in capsys.readouterr().out
    (tmp_path / "declared.json").write_text('{"rule": {}}')
    with pytest.raises(SystemExit, match="unknown key rule; known: why, rules"):
        main([*same, str(kept), "--declared", str(tmp_path / "declared.json")])
