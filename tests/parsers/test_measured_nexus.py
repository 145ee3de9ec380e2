"""Entries of NeXus that follow NXxas: what the mode says is read, what nothing says is refused."""

import numpy as np
import pytest

from defectra.spectra.measured_columns import choice
from defectra.spectra.measured_formats import pick, read_scans
from defectra.spectra.measured_spectrum import SpectrumError, cleaned

h5py = pytest.importorskip("h5py", reason="extra `measured` is not installed")

ENERGY = np.arange(8200.0, 8600.0, 1.0)
MU = 0.4 + 1 / (1 + np.exp(-(ENERGY - 8333.0)))
I0 = 1e6 + 10.0 * (ENERGY - 8200.0)


def nexus(handle, name="entry", mode=None, absorbed=None, definition="NXxas", **more):
    """An entry as the definition has it; `more`: fields of the entry."""
    entry = handle.create_group(name)
    entry.attrs["NX_class"] = "NXentry"
    entry["definition"] = definition
    instrument = entry.create_group("instrument")
    instrument["monochromator/energy"] = ENERGY / 1000
    instrument["monochromator/energy"].attrs["units"] = "keV"
    if definition == "NXxas":
        instrument["incoming_beam/data"] = I0
        instrument["absorbed_beam/data"] = I0 * np.exp(-MU) if absorbed is None else absorbed
        entry["data/absorbed_beam"] = h5py.SoftLink(f"/{name}/instrument/absorbed_beam/data")
    entry["data/energy"] = h5py.SoftLink(f"/{name}/instrument/monochromator/energy")
    entry["monitor/mode"] = "timer"
    entry["monitor/data"] = np.ones(len(ENERGY))
    entry["sample/name"] = "NiO"
    if mode:
        entry["data/mode"] = mode
    for key, value in more.items():
        entry[key] = value
    return entry


def made(folder, *entries, **kw):
    path = folder / "a.nxs"
    with h5py.File(path, "w") as handle:
        for k, given in enumerate(entries or (kw,)):
            nexus(handle, **({"name": f"entry{k + 1}"} | given))
    return path


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"mode": "Transmission"}, "transmission"),
        ({"mode": "Fluorescence Yield", "absorbed": I0 * MU}, "fluorescence"),
        ({"mode": "Total Electron Yield", "absorbed": I0 * MU}, "fluorescence"),
        ({"definition": "NXxasproc", "data/data": MU}, "mu"),
        ({"definition": "NXxas_trans", "intensity": MU}, "mu"),
        ({"mode": "Transmission", "element/name": "Ni", "edge/name": "k"}, "transmission"),
    ],
)
def test_an_entry_with_its_mode_is_the_absorption(tmp_path, given, kind):
    (found,) = read_scans(made(tmp_path, **given))
    assert found.kind == kind
    assert (found.element, found.edge) in (("", ""), ("Ni", "K"))
    np.testing.assert_allclose(found.mu, MU, rtol=1e-6)
    np.testing.assert_allclose(cleaned(found).energy, ENERGY)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "absorbed_beam"),  # transmitted light, fluorescence, or the absorption itself
        ({"mode": "monitor"}, "absorbed_beam"),
        ({"mode": "Transmission", "other/mode": "Fluorescence Yield"}, "which is absorbed_beam"),
        ({"mode": "Transmission", "absorbed": np.ones((len(ENERGY), 3))}, "a stack of 400 x 3"),
        ({"mode": "Transmission", "energy": ENERGY + 1}, "two different arrays energy"),
        (
            {"mode": "Transmission", "absorbed": np.zeros(len(ENERGY))},
            "column It is 0 at every energy",
        ),
    ],
)
def test_what_no_mode_says_is_refused(tmp_path, given, words):
    with pytest.raises(SpectrumError, match=words):
        read_scans(made(tmp_path, **given))


def test_several_entries_are_several_spectra_and_one_is_chosen(tmp_path):
    path = made(tmp_path, {"mode": "Transmission"}, {"mode": "TEY", "absorbed": I0 * MU}, {})
    found = read_scans(path)
    assert [m.label for m in found] == ["/entry1", "/entry2"]
    assert "/entry3: " in found[0].notes[-1]
    np.testing.assert_allclose(pick(found, "/entry2").mu, MU, rtol=1e-6)
    with pytest.raises(SpectrumError, match="2 spectra"):
        pick(found, "")


def test_datasets_are_chosen_by_name(tmp_path):
    path = made(tmp_path)
    wanted = choice(["energy=energy", "mu=ln(incoming_beam/absorbed_beam)"])
    (found,) = read_scans(path, wanted)
    np.testing.assert_allclose(found.mu, MU, rtol=1e-6)


def test_links_to_other_files_are_not_followed(tmp_path):
    path = made(tmp_path, mode="Transmission")
    with h5py.File(path, "a") as handle:
        del handle["entry1/instrument/incoming_beam"]
        handle["entry1/instrument/incoming_beam"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(SpectrumError, match="incident"):
        read_scans(path)
