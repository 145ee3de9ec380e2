"""Compositions are exact or refused; the space is the one of the paper."""

from __future__ import annotations

import pytest

from defectra.core.errors import DataError
from defectra.studies.perovskites.compounds import (
    IONS,
    Compound,
    b_compositions,
    from_amounts,
    in_published_space,
    parse_formula,
    whole_space,
)

PEROVSKITE = Compound((0, 0, 8, 0, 0), (0, 0, 0, 0, 4, 4), (0, 4, 4))


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("CsPbI3", "CsPbI_3", "pure"),
        ("MAPb_0.125Sn_0.875I_3", "MASn_0.875Pb_0.125I_3", "B mixed"),
        ("CsSn_0.5Pb_0.5Br_1.5I_1.5", "CsSn_0.5Pb_0.5Br_1.5I_1.5", "B and X mixed"),
        ("Cs0.5FA0.5PbI3", "Cs_0.5FA_0.5PbI_3", "A mixed"),
    ],
)
def test_formula_is_read(text: str, name: str, kind: str) -> None:
    compound = parse_formula(text)
    assert (compound.name, compound.kind) == (name, kind)
    assert parse_formula(compound.name) == compound


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CsPbI2", "site X"),
        ("Cs2PbI3", "site A"),
        ("PbI3", "site A"),
        ("CsZnI3", "'Zn' is not known"),
        ("CsPb_0.3Sn_0.7I_3", "off the 1/8 grid"),
        ("CsPb_0,5Sn_0,5I_3", "cannot be read"),
        ("", "cannot be read"),
        ("(MA)PbI3", "cannot be read"),
    ],
)
def test_bad_formula_is_refused(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words.replace("(", r"\(")) as caught:
        parse_formula(text)
    assert repr(text) in str(caught.value)


def test_amounts_are_exact_or_refused() -> None:
    amounts = dict.fromkeys(IONS, 0.0) | {"Cs": 1, "Sn": 0.5, "Pb": 0.5, "Br": 1.5, "I": 1.5}
    assert from_amounts([amounts[i] for i in IONS], "here") == PEROVSKITE
    amounts |= {"Sn": 0.52, "Pb": 0.48}
    with pytest.raises(DataError, match=r"here: fraction 0\.52 of Sn"):
        from_amounts([amounts[i] for i in IONS], "here")
    with pytest.raises(DataError, match="nan on site B"):
        from_amounts([float("nan") if i == "Pb" else amounts[i] for i in IONS], "here")


def test_space_has_the_published_size() -> None:
    space = whole_space()
    assert len(space) == len({c.name for c in space}) == 19_305
    assert sum(in_published_space(c.b) for c in space) == 17_955
    assert len(b_compositions()) == 1_287
    assert (b_compositions().sum(axis=1) == 8).all()
