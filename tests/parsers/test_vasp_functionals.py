"""One functional under several names: by the tag GGA, by the potentials, by what VASP prints."""

from types import SimpleNamespace

import pytest

from defectra.defects.program_results import _functional
from defectra.engines.finished.settings_beside import settings
from defectra.engines.vasp import exchange
from defectra.engines.vasp.cells import read_tree
from defectra.engines.vasp.method import functional
from tests.parsers.test_vasp_cells import edited, write
from tests.parsers.test_vasp_settings import HEAD, INCAR, OF_CELL, XC, hubbard, hybrid, levels

NOT_IN_INCAR = (INCAR, "<incar>")
LEFT_OPEN = [(XC, XC.replace("PE<", "--<")), NOT_IN_INCAR]
NOT_PRINTED = [(XC, '<separator name="electronic exchange-correlation">'), NOT_IN_INCAR]
OTHERWISE = {
    "left to the potentials": LEFT_OPEN,
    "in small letters": [(XC, XC.replace("PE<", "pe<")), (INCAR, INCAR.replace("PE<", "pe<"))],
    "in INCAR alone": [(XC, XC.replace("PE<", "--<"))],
    "not printed": NOT_PRINTED,
    "no meta-GGA, in words": [
        *LEFT_OPEN, ("<incar>", '<incar><i type="string" name="METAGGA">none</i>')],
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERWISE)
@pytest.mark.parametrize("swapped", [False, True])
def test_one_functional_of_two_spellings_gives_the_level(tmp_path, kind, swapped):
    write(tmp_path)
    both = (OTHERWISE[kind], [])
    made, cells, left_out = levels(tmp_path, *(both[::-1] if swapped else both))
    assert not left_out
    assert made[0]["bare_eV"] == pytest.approx(0.8, abs=1e-6)
    assert {cell["functional"] for cell in cells} == {"PBE"}


PS = [(XC, XC.replace("PE<", "PS<")), (INCAR, INCAR.replace("PE<", "PS<"))]
R2SCAN = [*LEFT_OPEN, ("<incar>", '<incar><i type="string" name="METAGGA">R2SCAN</i>')]
LOCAL = [*((f"<c>PAW_PBE {e}<", f"<c>PAW {e}<") for e in ("Cd", "Te")), *LEFT_OPEN]
CU = ("<c>PAW_PBE Cu<", "<c>PAW Cu<")
REFUSED = {  # against a bulk that leaves PBE to its potentials
    "PBEsol": (PS, "functional: PBEsol, that of the bulk PBE"),
    "HSE06": (hybrid(0.25, 0.2), "functional: HSE06, that of the bulk PBE"),
    "r2SCAN": (R2SCAN, "functional: R2SCAN, that of the bulk PBE"),
    "U": ([*hubbard(4), *LEFT_OPEN], "functional: PBE+U, that of the bulk PBE"),
    "LDA of the potentials": ([CU, *LOCAL], "functional: LDA, that of the bulk PBE"),
    "LDA by the tag": (
        [(XC, XC.replace("PE<", "CA<")), (INCAR, INCAR.replace("PE<", "CA<"))],
        "functional: LDA, that of the bulk PBE"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_another_functional_stays_refused(tmp_path, kind):
    write(tmp_path)
    of_cell, words = REFUSED[kind]
    made, _, left_out = levels(tmp_path, of_cell, LEFT_OPEN)
    assert made == []
    assert len(left_out) == 2
    assert all(words in row["reason"] for row in left_out)


def test_potentials_of_lda_are_one_functional_however_it_is_said(tmp_path):
    write(tmp_path)
    tagged = [*LOCAL[:2], (XC, XC.replace("PE<", "CA<"))]
    made, cells, left_out = levels(tmp_path, [CU, *LOCAL], tagged)
    assert not left_out
    assert made
    assert {cell["functional"] for cell in cells} == {"LDA"}


@pytest.mark.parametrize(("printed", "name"), [("PE", "PBE"), ("91", "PW91"), ("CA", "LDA"),
                                               ("", "GGA")])  # fmt: skip
def test_potentials_without_a_telling_title_are_named_by_lexch(tmp_path, printed, name):
    write(tmp_path)
    own = ((f"<c>PAW_PBE {e}<", f"<c>own {e}<") for e in ("Cd", "Te", "Cu"))
    edited(tmp_path / OF_CELL[0], *own, *LEFT_OPEN)
    outcar = (tmp_path / OF_CELL[0]).with_name("OUTCAR")
    lines = f"   LEXCH  = {printed}\n   LEXCH   =     8    internal type\n" if printed else ""
    outcar.write_text(lines + outcar.read_text())
    rows, _ = read_tree(tmp_path)
    assert sorted(r["functional"] for r in rows) == sorted(["PBE", "PBE", name])


def test_a_hybrid_on_the_potentials_of_lda_is_another(tmp_path):
    write(tmp_path)
    over = [*hybrid(0.25, 0.2), CU, *LOCAL]
    made, _, left_out = levels(tmp_path, over, [*hybrid(0.25, 0.2), *LEFT_OPEN])
    assert made == []
    assert all("HSE06, GGA = CA, that of the bulk HSE06" in r["reason"] for r in left_out)


def test_two_numbers_of_one_dispersion_are_one(tmp_path):
    write(tmp_path)
    one, other = ([(INCAR, f'{INCAR}<i type="int" name="IVDW">{n}</i>')] for n in (1, 10))
    made, _, left_out = levels(tmp_path, one, other)
    assert made
    assert not left_out


def test_names_of_pymatgen_stay_where_it_knows():
    for name in ("PBE", "PBEsol", "HSE06", "R2SCAN", "PBE+U", "SCAN+rVV10", "revPBE+Padé"):
        run = SimpleNamespace(run_type=name, parameters={}, potcar_symbols=["PAW_PBE Ni"])
        assert functional(run) == name
    assert exchange.named("GGA+U", "PE") == "PBE+U"
    assert exchange.named("GGA+vdW-DFT-D3", "PE") == "PBE+vdW-DFT-D3"
    assert exchange.named("GGA", "") == "GGA"
    assert exchange.of_titles(["PAW_PBE Ni", "PAW O"]) == ""


def test_entries_of_doped_are_named_by_their_potentials():
    titles = ["PAW_PBE Cd 06Sep2000", "PAW_PBE Te 08Apr2002"]
    cells = [{"parameters": {"run_type": t, "potcar_symbols": titles}} for t in ("GGA", "PBE")]
    assert _functional(dict(zip(("sc_entry", "bulk_entry"), cells))) == "PBE"
    del cells[0]["parameters"]["potcar_symbols"]
    assert _functional(dict(zip(("sc_entry", "bulk_entry"), cells))) == "GGA against a bulk of PBE"


PBE, LDA = ["PAW_PBE Ni 02Aug2007"], ["PAW Ni 03Mar1998"]


def test_a_tag_that_the_potentials_imply_makes_no_other_protocol():
    def digest(tags, titles=PBE):
        return settings({"INCAR": f"ENCUT = 400\n{tags}"}, titles).split()[0]

    plain = digest("")
    for tags in ("GGA = PE", "GGA = pe", "GGA = --", "METAGGA = none", "gga=PE ; METAGGA=None"):
        assert digest(tags) == plain
    others = [digest(t) for t in ("GGA = PS", "GGA = CA", "METAGGA = R2SCAN", "LHFCALC = T")]
    assert len({plain, *others}) == 5
    assert digest("GGA = PE", LDA) != digest("", LDA)
    assert digest("GGA = CA", LDA) == digest("", LDA)
    assert digest("GGA = PE", ()) != digest("", ())  # which one the second has is not known


def test_the_head_of_these_tests_is_in_the_files(tmp_path):
    write(tmp_path)
    text = (tmp_path / OF_CELL[0]).read_text()
    assert all(part in text for part in (HEAD, XC, INCAR))
