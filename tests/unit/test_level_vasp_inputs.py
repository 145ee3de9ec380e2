"""Inputs of VASP: cut-off and functional are those of the protocol for all cells of a set."""

import re

import pytest

from defectra.studies.levels import vasp_inputs
from defectra.studies.levels.inputs import DefectSet


def incars(config, host, impurity, name, *, hybrid=False):
    """Tags of each INCAR by folder, and the kinds of its POSCAR."""
    chosen = DefectSet(host, "M_A", impurity, (0, -1), 16)
    protocol = config.protocols.gpaw_levels[name]
    files = vasp_inputs.inputs(chosen, 5.0, protocol, hybrid=hybrid)
    return {
        path.split("/")[1]: (
            dict(re.findall(r"^(\w+) = (.*)$", text, re.M)),
            files[path.replace("INCAR", "POSCAR")].splitlines()[5].split(),
        )
        for path, text in files.items()
        if path.endswith("INCAR")
    }


@pytest.mark.parametrize(
    ("host", "impurity", "least"),
    [("AlP", "Cd", 300), ("GaN", "Zn", 400), ("ZnO", "Cu", 400), ("AlP", "B", 400)],
)
def test_second_row_elements_of_host_or_impurity_raise_the_cut_off_of_every_cell(
    config, host, impurity, least
):
    """The potentials of B, C, N, O and F that VASP recommends want 319 to 400 eV."""
    found = {tags["ENCUT"] for tags, _ in incars(config, host, impurity, "fast").values()}
    assert len(found) == 1
    assert least <= float(found.pop()) < least + 100


def test_u_of_the_protocol_stands_at_its_element_and_nowhere_else(config):
    u = config.protocols.gpaw_levels["hubbard"].hubbard_u["Mn"]
    for folder, (tags, kinds) in incars(config, "AlP", "Mn", "hubbard").items():
        assert tags["LDAU"] == ".TRUE."
        values = dict(zip(kinds, map(float, tags["LDAUU"].split()), strict=True))
        shells = dict(zip(kinds, tags["LDAUL"].split(), strict=True))
        assert ("Mn" in kinds) == (folder != "bulk")
        assert values == {k: u if k == "Mn" else 0 for k in kinds}
        assert shells == {k: "2" if k == "Mn" else "-1" for k in kinds}
        assert len(tags["LDAUJ"].split()) == len(kinds)


@pytest.mark.parametrize(
    ("impurity", "name", "hybrid"),
    [("Cd", "hubbard", False), ("Mn", "fast", False), ("Mn", "hubbard", True)],
)
def test_without_an_element_that_has_one_or_with_exact_exchange_there_is_no_u(
    config, impurity, name, hybrid
):
    for tags, _ in incars(config, "AlP", impurity, name, hybrid=hybrid).values():
        assert not any(tag.startswith("LDAU") for tag in tags)


@pytest.mark.parametrize(
    ("name", "hybrid", "gga"),
    [("fast", False, "PE"), ("lda", False, "CA"), ("lda", True, "PE"), ("hybrid", False, "PE")],
)
def test_exact_exchange_stands_on_pbe_alone(config, name, hybrid, gga):
    for tags, _ in incars(config, "AlP", "Cd", name, hybrid=hybrid).values():
        assert tags["GGA"] == gga
        assert ("LHFCALC" in tags) == (hybrid or name == "hybrid")
