"""FEFF readers on real output of ours, on published output, and on broken copies of both."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from defectra.core.errors import EngineError
from defectra.engines.feff import run as feff
from defectra.engines.feff.output import read_convergence, read_folder, read_xmu
from defectra.engines.feff.potentials import carry_over

OWN = Path(__file__).parent.parent / "data" / "feff_lco"
XMU = (OWN / "xmu.dat").read_text()
LOG = (OWN / "log1.dat").read_text()


def folder(tmp_path: Path, xmu: str | bytes | None, log: str | None = LOG) -> Path:
    for name, content in (("xmu.dat", xmu), ("log1.dat", log)):
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
    return tmp_path


def test_own_output():
    found = read_folder(OWN)
    assert found.converged
    assert found.iterations == 14
    assert 530 < found.edge < 540
    assert -20 < found.efermi < 0
    assert found.edge_step > 0
    assert found.energy.shape == found.mu.shape == found.mu0.shape
    header = next(line for line in XMU.splitlines() if "used to normalize" in line)
    assert found.edge_step == float(header.split()[-1])


def rows(text: str) -> list[int]:
    return [k for k, line in enumerate(text.splitlines()) if not line.lstrip().startswith("#")]


def cut_line(text: str) -> str:
    lines = text.splitlines()
    lines[rows(text)[-1]] = lines[rows(text)[-1]][:50]
    return "\n".join(lines)


def replace_row(text: str, number: int, new: str) -> str:
    lines = text.splitlines()
    lines[rows(text)[number]] = new
    return "\n".join(lines)


BROKEN = {
    "missing": (None, "missing_output"),
    "empty": ("", "truncated_output"),
    "header_only": (
        "\n".join(line for line in XMU.splitlines() if line.lstrip().startswith("#")),
        "truncated_output",
    ),
    "last_line_cut": (cut_line(XMU), "truncated_output"),
    "half": (XMU[: len(XMU) // 2], "truncated_output"),
    "nan": (replace_row(XMU, 5, " 540.0 -5.0 0.1 NaN 0.1 0.1"), "not_finite"),
    "stars": (replace_row(XMU, 5, " 540.0 ******* 0.1 0.1 0.1 0.1"), "truncated_output"),
    "unsorted": (
        replace_row(XMU, 5, XMU.splitlines()[rows(XMU)[9]]),
        "bad_output",
    ),
    "no_header": ("\n".join(XMU.splitlines()[k] for k in rows(XMU)), "bad_output"),
    "binary": (bytes(range(256)) * 40, None),
    "text": ("Segmentation fault (core dumped)\n" * 30, "bad_output"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_copies_are_named_not_believed(tmp_path, name):
    content, wanted = BROKEN[name]
    with pytest.raises(EngineError) as caught:
        read_folder(folder(tmp_path, content))
    assert "xmu.dat" in str(caught.value)
    if wanted:
        assert caught.value.error_class == wanted


def test_flat_spectrum_is_refused(tmp_path):
    lines = XMU.splitlines()
    for k in rows(XMU):
        values = lines[k].split()
        lines[k] = " ".join([*values[:3], "0.0", *values[4:]])
    with pytest.raises(EngineError, match="flat"):
        read_folder(folder(tmp_path, "\n".join(lines)))


def test_silent_loss_of_convergence_is_seen(tmp_path):
    cut = LOG[: LOG.index("Convergence reached")]
    assert read_convergence(folder(tmp_path, None, cut) / "log1.dat") == (False, 14)
    assert read_convergence(tmp_path / "none") == (False, 0)
    (tmp_path / "log1.dat").unlink()
    assert not read_folder(folder(tmp_path, XMU, None)).converged


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_damage_gives_a_result_or_our_error(data):
    start = data.draw(st.integers(0, len(XMU) - 1))
    length = data.draw(st.integers(0, 400))
    patch = data.draw(st.text(max_size=30))
    broken = (XMU[:start] + patch + XMU[start + length :]).encode("utf-8", "replace")
    try:
        found = feff.parse({"xmu.dat": broken, "log1.dat": LOG.encode()})
    except EngineError:
        return
    assert np.isfinite(found.mu).all()


def test_carry_over_refuses_files_of_two_kinds():
    with pytest.raises(EngineError, match="length"):
        carry_over("a\nb", "a", "a")
    with pytest.raises(EngineError, match="length"):
        carry_over("!12345678", "!1234567887654321", "!12345678")


def test_carry_over_takes_only_what_depends_on_the_edge():
    scf = "head 1\n!" + "AAAAAAAA" + "BBBBBBBB" + "CCCCCCCC"
    plain_from = "head 1\n!" + "aaaaaaaa" + "BBBBBBBB" + "cccccccc"
    plain_to = "head 4\n!" + "aaaaaaaa" + "DDDDDDDD" + "cccccccc"
    assert carry_over(scf, plain_from, plain_to) == (
        "head 4\n!" + "AAAAAAAA" + "DDDDDDDD" + "CCCCCCCC"
    )


def test_published_cu_outputs(mirror, tmp_path):
    """5,299 Cu K files of FEFF9 (OmniXAS, BSD-3): a sample of 200 is read whole."""
    path = mirror / "spectra/omnixas/feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz"
    if not path.exists():
        pytest.skip(f"not in the mirror: {path}")
    seen = 0
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.name.endswith("xmu.dat"):
                continue
            source = archive.extractfile(member)
            assert source is not None
            (tmp_path / "xmu.dat").write_bytes(source.read())
            found = read_xmu(tmp_path / "xmu.dat")
            assert 8970 < found.energy[0] < found.edge < found.energy[-1]
            assert np.abs(found.mu[-10:] - found.mu0[-10:]).max() < 0.5
            seen += 1
            if seen == 200:
                break
    assert seen == 200
