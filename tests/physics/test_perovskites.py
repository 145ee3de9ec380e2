"""Physics of the perovskites: identities, references, factors of geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.core.errors import DataError
from defectra.studies.perovskites import descriptors, loader, quality
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, IONS, X_IONS, parse_formula
from defectra.studies.perovskites.elements import properties, radii
from defectra.studies.perovskites.problems import REFERENCES, label, problems
from defectra.studies.perovskites.references import ENTHALPIES, offsets, reference_rows
from defectra.studies.perovskites.tables import composition_columns

IN_KJ = 96.485332


@pytest.fixture(scope="module")
def ions() -> dict[str, dict[str, float]]:
    return {ion: {k: v for k, (v, _) in own.items()} for ion, own in properties().items()}


def test_factors_of_geometry() -> None:
    one = np.array([1.0])
    # A close-packed ideal perovskite: r_A = r_X and r_B = (sqrt 2 - 1) r_X give t = 1.
    ideal = np.array([np.sqrt(2.0) - 1])
    assert descriptors.tolerance_factor(one, ideal, one) == pytest.approx(1.0)
    assert descriptors.octahedral_factor(ideal, one) == pytest.approx(np.sqrt(2.0) - 1)


def test_radii_are_those_of_shannon() -> None:
    found = radii()
    for ion, radius in {"Cs": 1.88, "Pb": 1.19, "I": 2.20, "Cl": 1.81, "MA": 2.17}.items():
        assert found[ion] == pytest.approx(radius), ion


def test_known_tolerance_factor_and_site_averages(ions: dict[str, dict[str, float]]) -> None:
    compounds = [parse_formula(f) for f in ("MAPbI3", "CsSn_0.5Pb_0.5I_3", "CsSnI3", "CsPbI3")]
    matrix = descriptors.matrix(compounds, ions)
    column = {name: matrix[:, n] for n, name in enumerate(descriptors.COLUMNS)}
    assert column["tolerance"][0] == pytest.approx(0.91, abs=0.005)  # Kieslich et al. 2014
    assert column["octahedral"][1] == pytest.approx(column["octahedral"][2:].mean())
    half = (ions["Sn"]["radius"] - ions["Pb"]["radius"]) / 2
    assert column["var_r_B"][1] == pytest.approx(half**2)
    assert column["var_r_B"][[0, 2, 3]] == pytest.approx(0, abs=1e-12)
    assert column["lone_pair"] == pytest.approx(1.0)


def test_tabulated_properties_are_averaged_over_each_site(
    ions: dict[str, dict[str, float]],
) -> None:
    values = {ion: np.full(descriptors.TABULATED, float(n)) for n, ion in enumerate(IONS)}
    pure = [parse_formula(f"{a}{b}{x}3") for a in A_IONS for b in B_IONS for x in X_IONS]
    rows = [
        {
            **composition_columns(c),
            "descriptors": np.concatenate(
                [values[part[int(np.argmax(counts))]] for part, counts in
                 ((A_IONS, c.a), (B_IONS, c.b), (X_IONS, c.x))]
            ),
        }
        for c in pure
    ]  # fmt: skip
    mixed = parse_formula("K_0.5Cs_0.5Ca_0.25Pb_0.75Cl_1.5I_1.5")
    wide = descriptors.wide_matrix([mixed], ions, rows)[0]
    sites = wide[13:].reshape(3, descriptors.TABULATED)
    assert sites[:, 0] == pytest.approx([1.0, 0.25 * 5 + 0.75 * 10, 12.0])
    assert wide[:13] == pytest.approx(descriptors.matrix([mixed], ions)[0])
    with pytest.raises(DataError, match="no pure compound"):
        descriptors.wide_matrix([mixed], ions, [r for r in rows if r["a"][0] == 0])


def consistent_row() -> dict[str, object]:
    row: dict[str, object] = {"name": "X", "level_A": -0.1, "level_X": 0.8}
    for suffix, shift in {"_x_rich": -0.5, "": 0.0, "_b_rich": 0.5}.items():
        h_a, h_x = 1.0 + shift, 2.0 - shift
        fermi = (h_a - 0.1 - h_x + 0.8) / 2
        row |= {f"vacancy_A{suffix}": h_a, f"vacancy_X{suffix}": h_x}
        row |= {f"fermi_level{suffix}": fermi, f"defect_energy{suffix}": h_a - 0.1 - fermi}
    return row


def test_identities_hold_by_construction_and_find_a_planted_error() -> None:
    row = consistent_row()
    # At equilibrium both vacancies cost the same: the second form of the cost.
    cost = row["vacancy_X"] - row["level_X"] + row["fermi_level"]  # type: ignore[operator]
    assert cost == pytest.approx(row["defect_energy"])
    assert quality.check([row])[1] == []
    wrong = {**row, "defect_energy": row["defect_energy"] + 1.0}  # type: ignore[operator]
    rows, findings = quality.check([row, wrong])
    assert [r["flags"] for r in rows] == [[], ["defect_energy"]]
    assert findings[0]["off_eV"] == pytest.approx(1.0)


def planted(wrong: dict[str, float], error: float = 0.0) -> list[dict[str, object]]:
    """Every pure compound, from measured reference energies, some of them spoilt."""
    own = {"Ge": {"Cl": -300.0, "Br": -220.0, "I": -120.0}}
    own |= {"MA": dict.fromkeys(X_IONS, -250.0), "FA": dict.fromkeys(X_IONS, -200.0)}
    energies = {**ENTHALPIES, **own}
    rows = []
    for a in A_IONS:
        for b in B_IONS:
            for x in X_IONS:
                reference = (energies[a][x] + energies[b][x]) / IN_KJ + wrong.get(a + x, 0.0)
                noise = error if (a, b, x) == ("Cs", "Pb", "I") else 0.0
                row = {"energy_PBE": reference - 0.1 + noise, "decomposition_PBE": -0.1}
                rows.append({**composition_columns(parse_formula(f"{a}{b}{x}3")), **row})
    return rows


def test_planted_reference_is_found_and_its_offset_is_right() -> None:
    rows = reference_rows(planted({"KI": -2.0}), "PBE")
    assert [r["A"] + r["X"] for r in rows if r["consistent"] == "no"] == ["KI"]
    compounds = [parse_formula(f) for f in ("KPbI3", "CsPbI3", "RbPbI3")]
    off = offsets(compounds, rows, "PBE")
    clean = offsets(compounds, reference_rows(planted({}), "PBE"), "PBE")
    # The spoilt one is out of the median that offsets count from, which thereby moves for all.
    assert off[0] - off[1] == pytest.approx(clean[0] - clean[1] - 2.0)
    assert offsets(compounds, rows, "PBE", only_wrong=True)[1:] == pytest.approx([0, 0])


def test_references_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(DataError, match="not additive"):
        reference_rows(planted({}, error=0.01), "PBE")


def test_published_sets(mirror: Path) -> None:
    folder = mirror / "perovskites"
    if not folder.is_dir():
        pytest.skip(f"no perovskites in the mirror {mirror}")
    rows = loader.read_main(folder / "perovs_ml" / "Data.csv")
    rows = loader.read_defects(folder / "perovs_ml" / "Defect_data.csv", rows)
    _, findings = quality.check(rows)
    assert {f["name"] for f in findings} == {"MAGeI_3"}
    assert {f["label"].removesuffix("_x_rich").removesuffix("_b_rich") for f in findings} == {
        "defect_energy"
    }
    for fidelity in ("PBE", "HSE"):
        design, _ = loader.read_design(
            folder / "halide_perovs_design" / f"{fidelity}_data.csv", fidelity
        )
        found = reference_rows(design, fidelity)
        wrong = {r["A"] + r["X"] for r in found if r["consistent"] == "no"}
        assert wrong == {"KCl", "KI", "RbI", "CsCl"}
        bromides = [r["excess_eV"] for r in found if r["X"] == "Br"]
        assert np.nanmin(bromides) > -0.07


def test_cost_of_vacancies_holds_half_of_the_published_salts(
    mirror: Path, ions: dict[str, dict[str, float]]
) -> None:
    """D = E - R(AX) - R(BX2), while mu_A + mu_X = R(AX) enters the cost by one half."""
    folder = mirror / "perovskites"
    if not folder.is_dir():
        pytest.skip(f"no perovskites in the mirror {mirror}")
    rows = loader.read_main(folder / "perovs_ml" / "Data.csv")
    rows = loader.read_defects(folder / "perovs_ml" / "Defect_data.csv", rows)
    rows, _ = quality.check(rows)
    design, _ = loader.read_design(folder / "halide_perovs_design" / "PBE_data.csv", "PBE")
    halides = reference_rows(design, "PBE")
    base = {
        target: next(
            p.base for p in problems(target, rows, halides, ions) if p.features.endswith(REFERENCES)
        )
        for target in ("decomposition_PBE", "defect_energy", "fermi_level")
    }
    assert base["defect_energy"] == pytest.approx(-base["decomposition_PBE"] / 2)
    assert base["fermi_level"] == pytest.approx(base["defect_energy"])
    # Between two cations of one halide the published cost moves by that half, not by nothing.
    cost = label(rows, "defect_energy")
    of = {r["name"]: k for k, r in enumerate(rows)}
    for b in ("Ca", "Sr", "Pb", "Sn"):
        potassium, caesium = of[f"K{b}I_3"], of[f"Cs{b}I_3"]
        step = base["defect_energy"][potassium] - base["defect_energy"][caesium]
        assert step == pytest.approx(-1.2, abs=0.2)
        assert cost[potassium] - cost[caesium] == pytest.approx(step, abs=0.5)


def test_every_ion_has_what_the_descriptors_need(ions: dict[str, dict[str, float]]) -> None:
    assert all(np.isfinite(ions[ion]["radius"]) for ion in IONS)
    assert all(np.isfinite(ions[ion]["electronegativity"]) for ion in B_IONS)
