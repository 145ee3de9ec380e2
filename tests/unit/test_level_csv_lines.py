"""Tables that people write: a lost or an additional cell is an error, never a shift."""

import pytest

from defectra.core.errors import TableError
from defectra.studies.levels import hosts, hybrid, inputs, published, whole_space
from defectra.studies.levels.csv_lines import read_named

LEVELS = ["(+3/+2)", "(+2/+1)", "(+1/0)", "(0/-1)", "(-1/-2)", "(-2/-3)"]
NUMBERS = ["-0.8", "0.1", "1.0", "1.5", "2.0", "2.5"]
FOUNDRY = {
    f"{name}_[{unit}]" if unit else name: "0.5" if unit else "1"
    for name, unit in published.FOUNDRY.items()
}
NATIVE = ["AB", "Type", "Defect", "Atom", "Site", "Delta_H (A-rich)", *LEVELS]
TABLES = {
    published.read_impurities: (
        ["AB", "Type", "Site", "Impurity", *LEVELS],
        ["ZnSe", "II-VI", "M_A", "Ga", *NUMBERS],
    ),
    published.read_natives: (NATIVE, ["ZnSe", "II-VI", "V_Zn", "Zn", "M_A", "3.0", *NUMBERS]),
    published.read_foundry: (list(FOUNDRY), list(FOUNDRY.values())),
    whole_space.read_predictions: (["AB", "Site", "M", *LEVELS], ["ZnSe", "M_A", "Ga", *NUMBERS]),
    hosts.read_hosts: (hosts.COLUMNS, ["Si", "gap", "1.17", "eV", "literature", "a book"]),
    inputs.read_sets: (inputs.SET_COLUMNS, ["CdTe", "M_A", "Cu", "0 -1", "16", "fast"]),
}
READERS = {f.__name__: f for f in TABLES} | {"hybrid": lambda path: hybrid.read_natives(path, "Si")}


def write(path, *lines):
    path.write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("change", ["a decimal comma", "a lost cell"])
def test_a_line_of_another_length_is_an_error_with_its_number(tmp_path, name, change):
    heads, cells = TABLES.get(READERS[name], TABLES[published.read_natives])
    bad = [*cells[:-2], "1", "5", cells[-1]] if change == "a decimal comma" else cells[:-1]
    with pytest.raises(TableError, match=rf"line 3: {len(bad)} cells under {len(heads)} names"):
        READERS[name](write(tmp_path / "t.csv", heads, cells, bad))


def test_empty_lines_and_empty_cells_at_the_end_are_no_error(tmp_path):
    path = write(tmp_path / "t.csv", ["a", "b"], ["1", "2", "", " "], [], ["", ""], ["3", "4"])
    heads, lines = read_named(path)
    assert heads == ["a", "b"]
    assert lines == [(2, {"a": "1", "b": "2"}), (5, {"a": "3", "b": "4"})]


def test_a_word_for_a_published_prediction_is_named_with_its_line(tmp_path):
    heads, cells = TABLES[whole_space.read_predictions]
    path = write(tmp_path / "t.csv", heads, [*cells[:-1], "n/a"])
    with pytest.raises(TableError, match=r"line 2: .*'n/a'"):
        whole_space.read_predictions(path)
