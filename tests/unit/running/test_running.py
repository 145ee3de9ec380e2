"""Engines of the user's own on PATH: stubs that copy outputs, say nothing, crash or hang."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from stub_programs import DATA, FDMNES_SPECTRUM, POSCAR, PROGRAMS, asked, copying, geometry

from defectra.cli.main import main
from defectra.cli.run import outcome_sentence, run
from defectra.core.errors import BusyError, ConfigError, EngineError, StoreError, StructureError
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import Archive
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.run import ALLOCATOR, POTENTIALS, SPECTRUM
from defectra.engines.finished.importing import import_tree
from defectra.engines.folder import alone, fresh
from defectra.engines.process import LOG
from defectra.engines.programs import Program
from defectra.engines.spectrum import programs_of_spectra, spectrum_engine


def test_feff_binary_runs_is_read_and_is_not_repeated(fake, poscar, known, tmp_path):
    count = tmp_path / "starts"
    body = f"open({str(count)!r}, 'a').write('x')\nassert 'EDGE K' in open('feff.inp').read()\n"
    fake("feff9", body + copying(DATA / "xmu.dat", DATA / "log1.dat"))
    for _ in range(2):
        ((index, folder, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
        assert (index, row["status"], row["element"], row["edge"]) == (2, "ok", "O", "K")
    assert count.read_text() == "x"
    ours = spectrum_engine("feff").single.site(geometry(poscar), 2)
    assert row["calculation_id"] == ours.identity("K", known.feff["fast"])
    (spectrum,) = Archive(tmp_path / "out").read(SPECTRA)
    assert len(spectrum["mu"]) > 20
    again = import_tree(folder)
    assert again.imports[0]["calculation_id"] == row["calculation_id"]
    assert again.imports[0]["status"] == "ok"


@pytest.mark.parametrize(
    ("body", "error_class", "expected"),
    [
        ("", "not_finished", "FEFF did not finish"),
        ("print('hello')", "not_finished", "FEFF did not finish"),
        ("print('Fatal: no potential'); sys.exit(3)", "engine_failed", "code 3: Fatal: no pot"),
        ("sys.exit(1)", "engine_failed", "printed nothing"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal", "signal 11"),
        ("signal.pause()", "timeout", "0.5 s"),
        ("open('xmu.dat', 'w').write('')", "truncated_output", "only 0"),
        ("open('xmu.dat', 'w').write('# xsedge\\n1 2 3\\n')", "truncated_output", "cut off"),
        (copying(DATA / "xmu.dat") + "\nt = open('xmu.dat').read(); "
         "open('xmu.dat', 'w').write(t[:len(t) // 2])", "truncated_output", "cut off"),
    ],
)  # fmt: skip
def test_a_program_that_fails_is_a_row_with_its_reason(
    fake, poscar, known, tmp_path, body, error_class, expected
):
    fake("feff10", body)
    if "pause" in body:
        quick = {"fast": known.feff["fast"].model_copy(update={"timeout_s": 0.5})}
        known = known.model_copy(update={"feff": quick})
    ((_, _, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    assert (row["status"], row["error_class"]) == ("failed", error_class)
    assert expected in row["message"]
    assert "\n" not in row["message"]
    assert Archive(tmp_path / "out").read(CALCULATIONS) == []  # tried again at the next call


def test_a_spectrum_of_a_former_try_is_not_read_again(fake, poscar, known, tmp_path):
    fake("feff10", copying(DATA / "xmu.dat", DATA / "log1.dat") + "\nsys.exit(3)")
    ((_, folder, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    assert row["error_class"] == "engine_failed"
    assert (folder / "xmu.dat").exists()  # what it left can be looked at
    fake("feff10", "print('nothing')")
    ((_, _, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    assert (row["status"], row["error_class"]) == ("failed", "not_finished")


def test_a_kill_while_a_former_try_is_cleared_leaves_a_folder_of_ours(tmp_path, monkeypatch):
    """The kill comes at the first file, the second and so on."""
    folder, unlink = tmp_path / "run", os.unlink
    (folder / "sub").mkdir(parents=True)
    for number in range(12):
        for name in (LOG, "sub/a", "feff.inp", *(f"out{n}" for n in range(10))):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()
        left = [number]

        def killed(*args, left=left, **more):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            unlink(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", killed)
            with pytest.raises(KeyboardInterrupt):
                fresh(folder, ["feff.inp"]).__enter__()
        with fresh(folder, ["feff.inp"]) as work:
            assert [p.name for p in work.iterdir()] == [LOG]


def test_what_somebody_ran_by_hand_is_not_touched(fake, poscar, known, tmp_path):
    wanted = asked(poscar, "feff_binary")
    ((_, folder, _),) = run(wanted, known, tmp_path / "out", write_only=True)
    shutil.copy(DATA / "xmu.dat", folder)
    fake("feff10", "")
    ((_, _, row),) = run(wanted, known, tmp_path / "out")
    assert row["error_class"] == "folder_taken"
    assert (folder / "xmu.dat").read_bytes() == (DATA / "xmu.dat").read_bytes()


def test_one_process_at_a_time(fake, poscar, known, tmp_path):
    fake("feff10", "")
    wanted = asked(poscar, "feff_binary")
    ((_, folder, _),) = run(wanted, known, tmp_path / "out")
    with alone(folder), pytest.raises(BusyError, match="another process"):
        run(wanted, known, tmp_path / "out")


def test_an_engine_does_not_pass_for_another(fake, poscar, known, tmp_path):
    fake("feff9", copying(DATA / "xmu.dat", DATA / "log1.dat"))
    ((_, folder, _),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    wanted = asked(poscar, "feff")
    ((index, where, row),) = run(wanted, known, tmp_path / "out")
    assert where == folder
    said = outcome_sentence(wanted, index, where, row)
    assert said.startswith("feff_binary fast")
    assert "another --out" in said


def test_sites_of_two_kinds_are_two_calculations_of_fdmnes(known, tmp_path):
    path = tmp_path / "two.vasp"
    path.write_text(POSCAR.replace("0.7394 0.7394 0.7818", "0.73 0.73 0.77"))
    found = run(asked(path, "fdmnes", "published", site=None), known, tmp_path / "w",
                write_only=True)  # fmt: skip
    (first, second) = (folder for _, folder, _ in found)
    assert first != second
    cards = [(f / "O_in.txt").read_text().split("Absorber")[1].split()[0] for f in (first, second)]
    assert cards == ["3", "4"]  # from one


def test_a_large_output_is_read_once(fake, poscar, known, tmp_path, monkeypatch):
    monkeypatch.setattr(Program, "parse", None)  # what was read is not read again
    fake("feff10", copying(DATA / "xmu.dat", DATA / "log1.dat"))
    ((_, _, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    assert row["status"] == "ok"


def test_partly_occupied_structures_are_refused(poscar, known, tmp_path):
    from pymatgen.core import Lattice, Structure

    path = tmp_path / "half.cif"
    Structure(Lattice.cubic(4.2), [{"Ni": 0.5, "Co": 0.5}, "O"], [[0] * 3, [0.5] * 3]).to(path)
    with pytest.raises(StructureError, match="partly occupied"):
        run(asked(path, "feff"), known, tmp_path / "out")


def test_a_relative_name_of_a_program_does(fake, poscar, known, tmp_path, monkeypatch):
    fake("mine", copying(DATA / "xmu.dat", DATA / "log1.dat"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEFECTRA_FEFF", "bin/mine")
    ((_, _, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    assert row["status"] == "ok", row["message"]


@pytest.mark.parametrize("out", ["/proc/nope", "file", "file/below"])
def test_a_place_that_cannot_be_is_reported(fake, poscar, known, tmp_path, out):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        run(asked(poscar, "fdmnes", "published"), known, tmp_path / out)
    with pytest.raises(StoreError, match="cannot be written"):
        import_tree(DATA).write(tmp_path / out)


def test_the_shipped_protocols_do_in_a_folder_of_ones_own(fake, poscar, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "feff", str(poscar), "--write"]) == 0
    assert list((tmp_path / "results/runs").glob("feff-*/feff.inp"))


def test_without_log_convergence_is_unknown(fake, poscar, known, tmp_path):
    fake("feff", copying(DATA / "xmu.dat"))
    ((_, _, row),) = run(asked(poscar, "feff_binary"), known, tmp_path / "out")
    assert (row["status"], row["error_class"]) == ("unconverged", "convergence_unknown")
    assert "did not reach" not in row["message"]


def test_fdmnes_runs_and_is_read(fake, poscar, known, tmp_path):
    body = "name = open('fdmfile.txt').read().split()[1]\n"
    body += "out = open(name).read().split('Filout')[1].split()[0]\n"
    body += f"open(out + '_conv.txt', 'w').write({FDMNES_SPECTRUM!r})"
    fake("fdmnes", body)
    ((_, _, row),) = run(asked(poscar, "fdmnes", "published"), known, tmp_path / "out")
    assert row["status"] in ("ok", "unconverged"), row["message"]
    assert row["element"] == "O"


def test_a_result_of_another_program_is_refused(fake, poscar, known, tmp_path):
    """Two stubs with one --out: the second does not pass for the first, nor the other way round."""
    body = "out = open(open('fdmfile.txt').read().split()[1]).read().split('Filout')[1].split()[0]"
    body += f"\nopen(out + '_conv.txt', 'w').write({FDMNES_SPECTRUM!r})"
    fake("fdmnes", body)
    wanted = asked(poscar, "fdmnes", "published")
    ((_, _, first),) = run(wanted, known, tmp_path / "out")
    ((_, _, same),) = run(wanted, known, tmp_path / "out")
    assert (same["status"], same["message"]) == (first["status"], first["message"])
    fake("fdmnes", body.replace("+ '_conv", "+ '' + '_conv"))
    ((index, folder, row),) = run(wanted, known, tmp_path / "out")
    assert (row["status"], row["error_class"]) == ("failed", "changed")
    said = outcome_sentence(wanted, index, folder, row)
    assert first["engine_version"] in said
    assert "another --out" in said
    (tmp_path / "bin" / "fdmnes").unlink()
    ((_, _, row),) = run(wanted, known, tmp_path / "out")
    assert row["status"] == first["status"]
    assert "the program is not compared" in row["message"]


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_what_is_missing_is_reported_with_how_to_get_it(fake, name, poscar, known, tmp_path):
    program = PROGRAMS[name]
    with pytest.raises(EngineError, match=program.variable) as reported:
        program.path()
    assert program.how in str(reported.value)
    protocol = "fast" if name == "feff_binary" else "published"
    ((_, _, row),) = run(asked(poscar, name, protocol), known, tmp_path / "out")
    assert (row["status"], row["error_class"]) == ("failed", "engine_missing")


def test_a_named_program_that_is_none_is_reported(fake, monkeypatch, tmp_path):
    monkeypatch.setenv("DEFECTRA_FEFF", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match="nowhere, which is no program"):
        PROGRAMS["feff_binary"].path()


def test_wrong_names_are_reported(poscar, known, tmp_path):
    with pytest.raises(ConfigError, match="engine 'wien' is not known; these give spectra"):
        run(asked(poscar, "wien"), known, tmp_path)
    with pytest.raises(ConfigError, match="allowed: fast"):
        run(asked(poscar, "feff", "slow"), known, tmp_path)
    with pytest.raises(StructureError, match="its sites: 2, 3"):
        run(asked(poscar, "feff", site=0), known, tmp_path)
    with pytest.raises(StructureError, match="no atom of Ni; there are"):
        run(asked(poscar, "feff", element="Ni"), known, tmp_path)


def test_command_lists_and_writes(fake, poscar, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DEFECTRA_GPAW", str(tmp_path / "no"))
    assert main(["run", "list"]) == 0
    said = capsys.readouterr().out
    assert [line.split(":")[0] for line in said.splitlines()] == list(programs_of_spectra())
    assert "feff: ready" in said
    arguments = ["run", "fdmnes", str(poscar), "--edge", "O K", "--out", str(tmp_path / "w")]
    assert main([*arguments, "--write"]) == 0
    assert next((tmp_path / "w").glob("fdmnes-*/O_in.txt")).read_text().startswith("Filout")
    assert main(arguments) == 1
    assert main(["run", "fdmnes"]) == 2


@pytest.mark.live
def test_real_feff10_behind_a_wrapper_is_the_embedded_one(fake, poscar, known, tmp_path):
    stages = [*POTENTIALS, *SPECTRUM]
    environment = "\n".join(f"os.environ[{k!r}] = {v!r}" for k, v in ALLOCATOR.items())
    fake("feff10", f"{environment}\nos.execv({sys.executable!r}, [{sys.executable!r}, '-P', "
         f"{feff_child.__file__!r}, *{stages!r}])")  # fmt: skip
    quick = known.feff["fast"].model_copy(update={"scf_radius": 2.0, "fms_radius": 2.2})
    known = known.model_copy(update={"feff": {"fast": quick}})
    ((_, _, outside),) = run(asked(poscar, "feff_binary"), known, tmp_path / "a")
    ((_, _, inside),) = run(asked(poscar, "feff"), known, tmp_path / "b")
    assert outside["status"] == inside["status"] == "ok", outside["message"]
    first, second = (Archive(tmp_path / n).read(SPECTRA)[0] for n in "ab")
    assert first["mu"] == second["mu"]
    assert shutil.which("feff10") is not None
