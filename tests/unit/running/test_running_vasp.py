"""A VASP of the user's own on PATH: its POTCAR is joined, used and never left behind."""

from __future__ import annotations

import threading

import pytest
from events import wait_for
from stub_programs import asked, geometry

from defectra.cli.run import run
from defectra.core.errors import EngineError
from defectra.engines.folder import alone
from defectra.engines.spectrum import spectrum_engine
from defectra.engines.vasp.potcar import potcar

VASP_SPECTRUM = "\n".join(f" {e:.4f} {abs(e - 5) ** 0.5:.6f}" for e in range(1, 60)) + "\n"
OUTCAR = (
    " vasp.6.3.0 20Jan22\n   EDIFF  = 0.1E-05   stopping-criterion for ELM\n"
    " total energy-change (2. order) : -0.6E-07  (-0.6E-07)\n"
    "------- aborting loop because EDIFF is reached -------\n Fermi energy:  5.13\n"
)


def test_vasp_gets_its_potcar_and_does_not_leave_it(fake, poscar, known, tmp_path, monkeypatch):
    (tmp_path / "POT_GGA_PAW_PBE_54").mkdir()
    for element in ("O", "Li", "Co"):
        (tmp_path / f"POT_GGA_PAW_PBE_54/POTCAR.{element}").write_text(
            f"  PAW_PBE {element} 08Apr2002\nsecret {element}\n   End of Dataset\n"
        )
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path))
    body = "words = open('POTCAR').read().split()\n"
    body += (
        "assert [b for a, b in zip(words, words[1:]) if a == 'secret'] == [*'O', 'Co', 'Li', 'O']\n"
    )
    body += "assert os.stat('POTCAR').st_mode & 0o077 == 0\n"
    body += "assert 'CH_LSPEC' in open('INCAR').read()\n"
    body += f"open('CORE_DIELECTRIC_IMAG.dat', 'w').write({VASP_SPECTRUM!r})\n"
    body += f"open('OUTCAR', 'w').write({OUTCAR!r})"
    fake("vasp_std", body)
    ((_, folder, row),) = run(asked(poscar, "vasp", "published"), known, tmp_path / "out")
    assert row["status"] == "ok", row["message"]
    assert row["element"] == "O"
    assert not (folder / "POTCAR").exists()
    assert "secret" not in "".join(p.read_text() for p in folder.iterdir())
    used = (folder / "POTCAR.used").read_text().splitlines()
    assert [line.split()[1] for line in used] == ["O", "Co", "Li", "O"]
    before = row["inputs_sha256"]
    (tmp_path / "POT_GGA_PAW_PBE_54/POTCAR.O").write_text("  PAW_PBE O_GW 1\nsecret\n")
    fake("vasp_std", body.split("words")[-1].partition("\n")[2])
    ((_, _, other),) = run(asked(poscar, "vasp", "published"), known, tmp_path / "other")
    assert other["calculation_id"] == row["calculation_id"]
    assert other["inputs_sha256"] != before  # the data sets are distinguished
    for out, status in (("out", "failed"), ("other", "ok")):
        ((_, _, again),) = run(asked(poscar, "vasp", "published"), known, tmp_path / out)
        assert again["status"] == status, again["message"]
        assert ("the input was another one (POTCAR)" in again["message"]) == (out == "out")
    monkeypatch.delenv("PMG_VASP_PSP_DIR")
    monkeypatch.setattr("pymatgen.core.SETTINGS", {})
    ((_, _, again),) = run(asked(poscar, "vasp", "published"), known, tmp_path / "other")
    assert "POTCAR are not compared" in again["message"]


def test_a_potcar_that_a_killed_run_left_goes_at_the_next_one(fake, poscar, known, tmp_path):
    for name in ("vasp-dead", "vasp-alive"):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "POTCAR").write_text("secret")
    fake("vasp_std", "")
    with alone(tmp_path / "out/vasp-alive"):
        run(asked(poscar, "vasp", "published"), known, tmp_path / "out")
    assert not (tmp_path / "out/vasp-dead/POTCAR").exists()
    assert (tmp_path / "out/vasp-alive/POTCAR").exists()


def test_a_worker_leaves_the_potcar_of_a_living_one(fake, poscar, known, tmp_path, monkeypatch):
    """Workers of a campaign have folders beside one another."""
    for element in ("O", "Li", "Co"):
        (tmp_path / f"POT_GGA_PAW_PBE_54/{element}").mkdir(parents=True)
        text = f"  PAW_PBE {element} 08Apr2002\n   End of Dataset\n"
        (tmp_path / f"POT_GGA_PAW_PBE_54/{element}/POTCAR").write_text(text)
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path))
    go, first, second = tmp_path / "go", tmp_path / "work/first", tmp_path / "work/second"
    waits = f"while not os.path.exists({str(go)!r}): time.sleep(0.01)"
    fake("vasp_std", f"import time\nopen('begun', 'w')\n{waits}")
    site = spectrum_engine("vasp").single.site(geometry(poscar), 2)
    living = threading.Thread(target=site.run, args=("K", known.vasp["published"], first))
    living.start()
    try:
        wait_for((first / "begun").exists, "the start of the first worker")
        fake("vasp_std", "sys.exit(1)")
        other = spectrum_engine("vasp").single.site(geometry(poscar), 2)
        other.run("K", known.vasp["published"], second)
        assert (first / "POTCAR").exists()
        busy = other.run("K", known.vasp["published"], first)
    finally:
        go.touch()
        living.join()
    assert (busy.status, busy.error_class) == ("failed", "busy")
    assert "another process computes there" in busy.message
    assert not list((tmp_path / "work").glob("*/POTCAR"))


def test_vasp_without_potcars_is_refused_in_a_sentence(fake, poscar, known, tmp_path, monkeypatch):
    monkeypatch.setattr("pymatgen.core.SETTINGS", {})
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)
    fake("vasp_std", "sys.exit(1)")
    ((_, _, row),) = run(asked(poscar, "vasp", "published"), known, tmp_path / "out")
    assert row["error_class"] == "potcar_missing"
    assert "PMG_VASP_PSP_DIR" in row["message"]


def test_potcars_are_joined_in_the_order_of_the_cell(tmp_path, monkeypatch):
    folder = tmp_path / "POT_GGA_PAW_PBE_54"
    for element in ("O", "Li"):
        (folder / element).mkdir(parents=True)
        (folder / element / "POTCAR").write_text(f"  PAW_PBE {element} 08Apr2002\n {element} end\n")
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path))
    needed = "Join these:\nO (the one with the core hole)\nLi\nO\n"
    text = potcar({"POTCAR.needed": needed})["POTCAR"]
    assert [line.split()[1] for line in text.splitlines() if "PAW" in line] == ["O", "Li", "O"]
    with pytest.raises(EngineError, match="POTCAR of Co"):
        potcar({"POTCAR.needed": "Join these:\nCo\n"})
