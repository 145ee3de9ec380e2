"""Training table and features: what goes in, what is left out and why."""

import numpy as np
import pytest
from planted import GRIDS, planted, structures, world

from defectra.core.errors import TableError
from defectra.core.store import write_table
from defectra.learn.features import Cdf, EdgeFeatures
from defectra.spectra.average import average_sites
from defectra.studies.nmc.training import build, labels, read_training, select, training_table


@pytest.fixture(scope="module")
def campaign():
    cells = structures(12)
    tasks, calcs, spectra = world(cells, GRIDS, planted)
    return cells, average_sites(calcs, spectra, cells, tasks, GRIDS)


def test_one_row_for_each_structure_with_all_edges(campaign, tmp_path):
    cells, averages = campaign
    rows, left_out = build(cells, averages, list(GRIDS), "hash")
    assert len(rows) == 12
    assert left_out == []
    write_table(tmp_path / "t.parquet", rows, training_table(GRIDS))
    assert read_training(tmp_path / "t.parquet") == rows


def test_cdf_columns_run_from_zero_to_one(campaign):
    rows, _ = build(*campaign, list(GRIDS), "hash")
    for edge in GRIDS:
        curves = np.array([r[f"cdf: {edge}"] for r in rows])
        assert (np.diff(curves, axis=1) >= 0).all()
        assert (curves[:, 0] < 0.02).all()
        np.testing.assert_array_equal(curves[:, -1], 1.0)


def test_labels_are_counts_of_the_cell(campaign):
    assert campaign[0]
    for cell in campaign[0]:
        row = labels(cell)
        assert row["n_Ni"] + row["n_Mn"] + row["n_Co"] == pytest.approx(1)
        assert row["lithium"] == pytest.approx(cell["lithium"])
        assert row["vacancy"] + row["antisite"] == (cell["defect"] != "pristine")


def test_two_fidelities_are_refused(campaign):
    cells, averages = campaign
    for key in ("protocol", "geometry_protocol"):
        mixed = [*averages, averages[0] | {key: "other"}]
        with pytest.raises(TableError, match=key):
            build(cells, mixed, list(GRIDS), "hash")
        chosen = select(mixed, "chgnet", "fast")
        assert len(build(cells, chosen, list(GRIDS), "hash")[0]) == 12


def test_missing_and_failed_edges_are_listed_with_their_reason(campaign):
    cells, averages = campaign
    first, second, third = (c["structure_id"] for c in cells[:3])
    rows = []
    for row in averages:
        edge = f"{row['element']} {row['edge']}"
        if row["structure_id"] == third or (row["structure_id"] == first and edge == "O K"):
            continue
        empty = row["structure_id"] == second and edge == "Ni K"
        rows.append(row | {"mu": []} if empty else row)
    kept, left_out = build(cells, rows, list(GRIDS), "hash")
    reasons = {r["structure_id"]: r["reason"] for r in left_out}
    assert len(kept) == 9
    assert reasons == {
        first: "no spectrum of O K",
        second: "every site failed of Ni K",
        third: "no spectrum at this fidelity",
    }


def test_unknown_structure_is_an_error(campaign):
    cells, averages = campaign
    with pytest.raises(TableError, match="unknown structures"):
        build(cells[1:], averages, list(GRIDS), "hash")


def test_edge_features_have_their_bins(campaign):
    rows, _ = build(*campaign, list(GRIDS), "hash")
    raw = EdgeFeatures(["O K", "Ni K"], "raw", every=1).fit_transform(rows)
    np.testing.assert_array_equal(raw[0], rows[0]["raw: O K"] + rows[0]["raw: Ni K"])
    binned = EdgeFeatures(["O K"], "raw", every=5).fit_transform(rows)
    assert binned[0, 1] == pytest.approx(np.mean(rows[0]["raw: O K"][5:10]))
    cumulative = EdgeFeatures(["O K"], "cdf", every=5).fit_transform(rows)
    assert cumulative[0, 1] == rows[0]["cdf: O K"][9]
    full = np.array([r["raw: O K"] for r in rows])
    np.testing.assert_allclose(Cdf().fit_transform(full), [r["cdf: O K"] for r in rows])


def test_unknown_edge_is_an_error(campaign):
    rows, _ = build(*campaign, list(GRIDS), "hash")
    with pytest.raises(TableError, match="Fe K"):
        EdgeFeatures(["Fe K"]).fit_transform(rows)
