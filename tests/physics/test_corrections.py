"""Finite-size corrections against a point charge in a cubic cell, to 1 meV, and their signs."""

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.defects import corrections as c

CUBE = 10.0 * np.eye(3)
ISOTROPIC = 10.0 * np.eye(3)


def point_charge(lattice, dielectric, charge):
    """Kumagai and Oba, Phys. Rev. B 89, 195205 (2014), eq. 13, by pydefect; eV."""
    from pydefect.corrections.ewald import Ewald

    to_volt = 4 * np.pi * c.COULOMB_EV_ANGSTROM  # e / eps0 in V Å
    return -Ewald(lattice, dielectric).lattice_energy * charge**2 * to_volt


def freysoldt_point_charge(lattice, dielectric, charge):
    """The same by Freysoldt's model charge (a Gaussian), by pymatgen-analysis-defects; eV."""
    from pymatgen.analysis.defects.corrections.freysoldt import perform_es_corr
    from pymatgen.analysis.defects.utils import QModel
    from pymatgen.core import Lattice

    return perform_es_corr(Lattice(lattice), charge, dielectric, QModel())


@pytest.fixture
def libraries():
    for name in ("pydefect", "pymatgen.analysis.defects"):
        pytest.importorskip(name, reason="extra `levels` is not installed")


def test_madelung_energy_of_a_cube_by_direct_sum():
    # Potential of a cubic array in its background, from Ewald's formula summed here directly.
    from scipy.special import erfc

    length, eta = 10.0, 0.35
    grid = np.array(np.meshgrid(*[np.arange(-6, 7)] * 3)).reshape(3, -1).T
    grid = grid[(grid != 0).any(axis=1)]
    r = np.linalg.norm(grid * length, axis=1)
    g2 = ((2 * np.pi / length * grid) ** 2).sum(axis=1)
    potential = (erfc(eta * r) / r).sum() - 2 * eta / np.sqrt(np.pi) - np.pi / eta**2 / length**3
    potential += 4 * np.pi / length**3 * (np.exp(-g2 / 4 / eta**2) / g2).sum()
    energy = -0.5 * potential * c.COULOMB_EV_ANGSTROM / 10.0
    assert c.madelung_cubic(length, 10.0, 1) == pytest.approx(energy, abs=1e-6)
    assert c.madelung_cubic(length, 10.0, 1) == pytest.approx(0.20428, abs=1e-4)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("charge", [-1, 3])
def test_point_charge_in_a_cube_is_madelung_within_1_mev(charge):
    want = c.madelung_cubic(10.0, 10.0, charge)
    assert point_charge(CUBE, ISOTROPIC, charge) == pytest.approx(want, abs=1e-3)
    assert freysoldt_point_charge(CUBE, ISOTROPIC, charge) == pytest.approx(want, abs=1e-3)
    assert want > 0


@pytest.mark.usefixtures("libraries")
def test_anisotropic_tensor_scales_to_a_cube():
    # x' = x / sqrt(eps): a cell stretched with its tensor is a cube of unit dielectric constant.
    tensor = np.diag([4.0, 9.0, 16.0])
    cell = 10.0 * np.diag(np.sqrt(np.diag(tensor)))
    want = c.madelung_cubic(10.0, 1.0, 1) / np.sqrt(np.linalg.det(tensor))
    assert point_charge(cell, tensor, 1) == pytest.approx(want, abs=1e-3)


def cells():
    from pymatgen.core import Lattice, Structure

    bulk = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(5.67), ["Zn", "Se"], [[0, 0, 0], [0.25] * 3]
    ).make_supercell(2, in_place=False)
    defect = bulk.copy()
    defect.replace(0, "Ga")
    return defect, bulk


def model_potentials(defect, charge, constant):
    from pydefect.corrections.ewald import Ewald

    ewald = Ewald(defect.lattice.matrix, 9.0 * np.eye(3))
    shifts = [list(s.frac_coords - defect[0].frac_coords) for s in defect]
    scale = 4 * np.pi * c.COULOMB_EV_ANGSTROM * charge
    return [
        0.0 if not any(s) else constant + scale * ewald.atomic_site_potential(s) for s in shifts
    ]


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("charge", [1, -1])
def test_efnv_of_a_model_charge_has_no_alignment_and_a_shift_has_the_sign_of_the_charge(charge):
    defect, bulk = cells()
    zeros = [0.0] * len(bulk)
    found = {}
    for constant in (0.0, 0.2):
        potentials = (model_potentials(defect, charge, constant), zeros)
        centre = defect[0].frac_coords
        found[constant] = c.kumagai(defect, bulk, potentials, centre, charge, 9.0 * np.eye(3))
    assert found[0.0].alignment_ev == pytest.approx(0.0, abs=1e-3)
    assert found[0.0].point_charge_ev == pytest.approx(c.madelung_cubic(11.34, 9.0, 1), abs=1e-3)
    assert found[0.2].point_charge_ev > 0
    assert found[0.2].alignment_ev == pytest.approx(-0.2 * charge, abs=1e-3)
    assert found[0.0].trustworthy


def planar_average_of_a_gaussian(length, epsilon, charge, points=120, width=0.529177):
    """Potential on a positive charge of a periodic Gaussian at the origin, mean zero, V."""
    z = np.arange(points) / points
    k = np.arange(1, points // 2)
    g = 2 * np.pi * k / length
    shape = np.exp(-((g * width) ** 2) / 4) / g**2
    waves = 2 * np.cos(2 * np.pi * np.outer(z, k)) @ shape
    return 4 * np.pi * c.COULOMB_EV_ANGSTROM * charge / (epsilon * length**3) * waves


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("charge", [1, -1])
def test_freysoldt_of_its_own_model_charge_has_no_alignment_and_the_same_signs(charge):
    model = planar_average_of_a_gaussian(10.0, 10.0, charge)
    bulk = [np.zeros_like(model)] * 3
    origin = [0.0, 0.0, 0.0]
    found = {
        v: c.freysoldt(CUBE, ([model + v] * 3, bulk), origin, charge, ISOTROPIC) for v in (0.0, 0.2)
    }
    assert found[0.0].point_charge_ev == pytest.approx(c.madelung_cubic(10, 10, charge), abs=1e-3)
    assert found[0.0].alignment_ev == pytest.approx(0.0, abs=3e-3)
    assert found[0.2].alignment_ev - found[0.0].alignment_ev == pytest.approx(
        -0.2 * charge, abs=1e-3
    )
    assert found[0.0].trustworthy
    with pytest.raises(EngineError, match="different planes"):
        c.freysoldt(CUBE, ([model] * 3, [model[:-1]] * 3), origin, charge, ISOTROPIC)


@pytest.mark.usefixtures("libraries")
def test_a_potential_without_plateau_is_marked():
    defect, bulk = cells()
    wavy = [0.5 * (-1) ** k for k in range(len(defect))]
    args = (wavy, [0.0] * len(bulk)), defect[0].frac_coords, 1, 9.0 * np.eye(3)
    assert not c.kumagai(defect, bulk, *args).trustworthy
    with pytest.raises(EngineError, match="potentials for"):
        c.kumagai(defect, bulk, ([0.0], [0.0]), *args[1:])


@pytest.mark.parametrize(
    "tensor", [np.eye(2), np.diag([0.5, 9, 9]), np.array([[9, 1, 0], [0, 9, 0], [0, 0, 9.0]])]
)
def test_what_is_no_dielectric_tensor_is_refused(tensor):
    with pytest.raises(EngineError, match="dielectric"):
        c.check_dielectric(tensor)


def test_a_missing_library_says_what_to_install():
    with pytest.raises(EngineError, match=r"defectra\[levels\]"):
        c._library("no_such_library")


def test_the_mean_of_a_dielectric_tensor_does_not_depend_on_the_axes():
    tensor = np.array([[12.0, 0.0, 3.0], [0.0, 9.0, 0.0], [3.0, 0.0, 6.0]])
    turn = np.linalg.qr(np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]))[0]
    assert c.isotropic(turn @ tensor @ turn.T) == pytest.approx(c.isotropic(tensor))
    assert c.isotropic(tensor) == pytest.approx(3 * np.linalg.det(tensor) / (54 + 63 + 108))
    assert c.isotropic(np.diag([40.7, 40.7, 25.2])) == pytest.approx(3 / (2 / 40.7 + 1 / 25.2))
