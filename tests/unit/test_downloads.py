"""Downloads against a server on this machine that breaks off, lies, stalls, and is slow."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from defectra.core.datasets import Dataset, content_digest, fetch, locate, needs, registry
from defectra.core.downloads import digest_of, download
from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.learn.forest import Forest
from defectra.studies.xanes.derived import forest

DATA = bytes(range(256)) * 1024  # 256 KiB: several blocks
SUM = hashlib.sha256(DATA).hexdigest()
HALF = len(DATA) // 2


@dataclass
class Server:
    """Answers each request by the next of its plans; keeps what was asked."""

    plans: list[Callable[[BaseHTTPRequestHandler, int], None]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    going_on: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        span = request.headers.get("Range", "")
        self.asked.append((request.path, span))
        start = int(span.removeprefix("bytes=").removesuffix("-") or 0)
        self.plans.pop(0)(request, start)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    mine = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            mine.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        mine.address = f"http://127.0.0.1:{http.server_port}"
        yield mine
        mine.going_on.set()
        http.shutdown()


def send(body: bytes, declared: int | None = None, *, resumes: bool = True) -> Any:
    """Answer with `body` (from where it is asked for); `declared` bytes are promised."""

    def plan(request: BaseHTTPRequestHandler, start: int) -> None:
        at = start if resumes else 0
        request.send_response(206 if at else 200)
        if at:
            request.send_header("Content-Range", f"bytes {at}-{len(DATA) - 1}/{len(DATA)}")
        request.send_header("Content-Length", str((declared or len(body)) - at))
        request.end_headers()
        request.wfile.write(body[at:])

    return plan


def refuse(code: int) -> Any:
    return lambda request, _: request.send_error(code)


def broken(upto: int) -> Any:
    """Promise the whole file, send its beginning, close."""
    return send(DATA[:upto], len(DATA))


def asked_from(server: Server) -> list[str]:
    return [span for _, span in server.asked]


def test_broken_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.plans = [broken(HALF), send(DATA)]
    said: list[str] = []
    file = download(tmp_path / "a/x.dat", [f"{server.address}/x"], len(DATA), SUM, say=said.append)
    assert file.read_bytes() == DATA
    assert asked_from(server) == ["", f"bytes={HALF}-"]
    assert [f.name for f in file.parent.iterdir()] == ["x.dat"], "no part is left"
    assert said[-1].startswith("x.dat: 100 %")
    assert len(said) == len(set(said)) <= 10


def test_killed_download_goes_on_in_the_next_process(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.dat.part").write_bytes(DATA[:1000])
    server.plans = [send(DATA)]
    download(tmp_path / "x.dat", [f"{server.address}/x"], len(DATA), SUM)
    assert asked_from(server) == ["bytes=1000-"]


def test_server_that_cannot_resume_sends_all_of_it(server: Server, tmp_path: Path) -> None:
    server.plans = [broken(HALF), send(DATA, resumes=False)]
    file = download(tmp_path / "x.dat", [f"{server.address}/x"], len(DATA), SUM)
    assert file.read_bytes() == DATA


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(send(DATA[::-1]), id="other bytes"),
        pytest.param(send(DATA + b"more"), id="longer"),
        pytest.param(send(DATA[:HALF]), id="shorter, promised so"),
        pytest.param(send(b"<html>log in</html>"), id="a page"),
        pytest.param(refuse(503), id="busy"),
    ],
)
def test_wrong_answer_is_asked_for_once_more(server: Server, tmp_path: Path, wrong: Any) -> None:
    server.plans = [wrong, send(DATA, resumes=False)]
    file = download(tmp_path / "x.dat", [f"{server.address}/x"], len(DATA), SUM)
    assert file.read_bytes() == DATA


def test_part_of_another_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.dat.part").write_bytes(b"?" * 100)
    server.plans = [send(DATA), send(DATA)]
    file = download(tmp_path / "x.dat", [f"{server.address}/x"], len(DATA), SUM)
    assert file.read_bytes() == DATA
    assert asked_from(server) == ["bytes=100-", ""], "the second time from the beginning"


def test_second_address_after_two_failures_of_the_first(server: Server, tmp_path: Path) -> None:
    server.plans = [refuse(404), refuse(404), send(DATA)]
    addresses = [f"{server.address}/{name}" for name in ("first", "second")]
    assert download(tmp_path / "x.dat", addresses, len(DATA), SUM).read_bytes() == DATA
    assert [path for path, _ in server.asked] == ["/first", "/first", "/second"]


def test_wrong_bytes_everywhere_leave_nothing_and_name_every_address(
    server: Server, tmp_path: Path
) -> None:
    server.plans = [send(DATA[::-1])] * 4
    addresses = [f"{server.address}/{name}" for name in ("first", "second")]
    with pytest.raises(DataError) as caught:
        download(tmp_path / "x.dat", addresses, len(DATA), SUM)
    assert all(address in str(caught.value) for address in addresses)
    assert list(tmp_path.iterdir()) == []


def test_slow_answer_is_waited_for(server: Server, tmp_path: Path) -> None:
    """The server sends the second half only when the client has said that the first is there."""

    def plan(request: BaseHTTPRequestHandler, _: int) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(DATA)))
        request.end_headers()
        request.wfile.write(DATA[:HALF])
        server.going_on.wait()
        request.wfile.write(DATA[HALF:])

    def say(line: str) -> None:
        if " 50 %" in line:
            server.going_on.set()

    server.plans = [plan]
    file = download(tmp_path / "x.dat", [f"{server.address}/x"], len(DATA), SUM, say=say)
    assert file.read_bytes() == DATA
    assert len(server.asked) == 1


def test_server_that_falls_silent_is_asked_once_more(server: Server, tmp_path: Path) -> None:
    def silent(request: BaseHTTPRequestHandler, _: int) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(DATA)))
        request.end_headers()
        server.going_on.wait()

    patience = iter([0.05, None])  # the second answer may take as long as this machine needs
    session = requests.Session()
    session.trust_env = False

    def get(url: str, *, timeout: float, **rest: Any) -> requests.Response:
        assert timeout > 0
        return session.get(url, timeout=(None, next(patience)), **rest)

    server.plans = [silent, send(DATA)]
    file = download(tmp_path / "x.dat", [f"{server.address}/x"], len(DATA), SUM, get=get)
    assert file.read_bytes() == DATA
    assert len(server.asked) == 2


def entry(**changes: Any) -> Dataset:
    given = {"path": "levels/x y.dat", "bytes": len(DATA), "sha256": SUM, "source": "o/r"}
    return Dataset(
        **{**given, "commit": "c0ffee", "source_path": "in/x y.dat", "licence": "MIT", **changes}
    )


def hosts(server: Server) -> list[str]:
    return [server.address + "/{source}/{commit}/{path}"]


def test_registered_file_by_its_quoted_address(server: Server, tmp_path: Path) -> None:
    server.plans = [send(DATA)]
    assert fetch(entry(), tmp_path, hosts(server)).read_bytes() == DATA
    assert server.asked[0][0] == "/o/r/c0ffee/in/x%20y.dat"


def test_table_kept_packed_is_right_whatever_packed_it(server: Server, tmp_path: Path) -> None:
    """Checked by its content: another gzip gives other bytes of the same table."""
    known = tmp_path / "datasets.csv"
    known.write_text(
        "path,bytes,sha256,source,commit,source_path,licence,plain_bytes,plain_sha256,by_hand\n"
        f"levels/x.gz,1,{'0' * 64},o/r,c,x,MIT,{len(DATA)},{SUM},\n"
    )
    packed = entry(path="levels/x.gz", sha256="0" * 64, plain_bytes=len(DATA), plain_sha256=SUM)
    server.plans = [send(DATA)]
    file = fetch(packed, tmp_path, hosts(server))
    assert gzip.decompress(file.read_bytes()) == DATA
    assert [f.name for f in file.parent.iterdir()] == ["x.gz"]
    assert locate("levels/x.gz", tmp_path, known) == file
    for wrong in (gzip.compress(DATA[:-1]), gzip.compress(DATA)[:-9], b"no gzip"):
        file.write_bytes(wrong)
        with pytest.raises(DataError, match="replace it"):
            locate("levels/x.gz", tmp_path, known)


def test_without_a_network_the_message_says_what_to_put_where(
    server: Server, tmp_path: Path
) -> None:
    server.plans = [refuse(403), refuse(403)]
    with pytest.raises(DataError) as caught:
        fetch(entry(), tmp_path, hosts(server))
    words = ("in/x y.dat", "o/r", "c0ffee", str(tmp_path / "levels/x y.dat"), SUM, "MIRROR", "403")
    assert [word for word in words if word not in str(caught.value)] == []


def test_what_may_not_be_fetched_says_why_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = "levels/x.dat"
    known = tmp_path / "datasets.csv"
    known.write_text(
        "path,bytes,sha256,source,commit,source_path,licence,plain_bytes,plain_sha256,by_hand\n"
        f"{path},1,{'0' * 64},a letter,,,none,,,only its authors have it\n"
    )
    with pytest.raises(DataError, match=r"only its authors.*resources/data/levels/x\.dat"):
        needs(path, None, known)(None)
    (tmp_path / "resources/data" / path).parent.mkdir(parents=True)
    (tmp_path / "resources/data" / path).touch()
    assert needs(path, None, known)(None) == f"resources/data/{path}"
    with pytest.raises(DataError, match="elsewhere"):
        needs(path, "elsewhere", known)(None)
    (tmp_path / "elsewhere/levels").mkdir(parents=True)
    (tmp_path / "elsewhere" / path).touch()
    assert needs(path, "elsewhere", known)(None) == f"elsewhere/{path}", "a named mirror wins"


def test_all_that_study_xanes_reads_can_be_fetched() -> None:
    lines = [e for p, e in registry().items() if p.startswith(("spectra/chen", "spectra/omnixas"))]
    assert len(lines) > 20
    assert [e.path for e in lines if not e.addresses()] == []


def archive(members: dict[str, bytes], folder: str = "r-c0ffee") -> bytes:
    """As a repository's host packs a commit: one folder, paths in order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in sorted(members.items()):
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


MEMBERS = {
    "a/POSCAR": b"before", "runs/Cu/m1/POSCAR": b"one", "runs/Cu/m1/x/xmu.dat": DATA,
    "runs/Cu/m1/x/feff.inp": b"not wanted", "runs/Cu/m2/POSCAR": b"two", "z/POSCAR": b"after",
}  # fmt: skip
WANTED = {k: v for k, v in MEMBERS.items() if k.startswith("runs/") and "feff" not in k}


def of_archive() -> Dataset:
    content = digest_of((n, hashlib.sha256(v).hexdigest()) for n, v in WANTED.items())
    return entry(path="spectra/x.tar.xz", sha256="0" * 64, source_path="runs/Cu/",
                 members="xmu.dat POSCAR", content_sha256=content)  # fmt: skip


def test_folder_comes_out_of_the_archive_of_a_commit_whatever_packed_it(
    server: Server, tmp_path: Path
) -> None:
    torn = archive(MEMBERS)[:200]
    server.plans = [send(torn), send(archive(MEMBERS, "other-name"))]
    file = fetch(of_archive(), tmp_path, hosts(server))
    with tarfile.open(file) as tar:
        found = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    assert found == WANTED
    assert of_archive().is_right(file)
    assert [f.name for f in file.parent.iterdir()] == ["x.tar.xz"]
    file.write_bytes(file.read_bytes()[: len(file.read_bytes()) // 2])
    assert not of_archive().is_right(file)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({**MEMBERS, "runs/Cu/m2/POSCAR": b"tow"}, id="another content"),
        pytest.param({k: v for k, v in MEMBERS.items() if "m2" not in k}, id="one is missing"),
        pytest.param({**MEMBERS, "runs/Cu/m3/POSCAR": b"more"}, id="one more"),
        pytest.param({}, id="nothing"),
    ],
)
def test_another_folder_is_refused_and_not_kept(
    server: Server, tmp_path: Path, wrong: dict[str, bytes]
) -> None:
    server.plans = [send(archive(wrong))] * 2
    with pytest.raises(DataError, match="other files came") as caught:
        fetch(of_archive(), tmp_path, hosts(server))
    assert "xmu.dat and POSCAR alone" in str(caught.value)
    assert list((tmp_path / "spectra").iterdir()) == []


def test_file_is_made_of_what_the_source_has_and_compared(server: Server, tmp_path: Path) -> None:
    """A forest out of the listing of its pickle: the arrays are those of the library."""
    x = np.random.default_rng(0).normal(size=(60, 4))
    for kind, labels in ((RandomForestRegressor, x[:, 0]), (RandomForestClassifier, x[:, 1] > 0)):
        model = kind(5, random_state=0).fit(x, labels.astype(float))
        data = pickle.dumps(model, protocol=3)
        known = tmp_path / f"{kind.__name__}.npz"
        (tmp_path / "m.pkl").write_bytes(data)
        forest(tmp_path / "m.pkl", known)
        one = entry(
            path="models/f.npz", maker="defectra.studies.xanes.derived.forest",
            plain_bytes=len(data), plain_sha256=hashlib.sha256(data).hexdigest(),
            sha256="0" * 64, content_sha256=content_digest(known),
        )  # fmt: skip
        server.plans = [send(data)]
        file = fetch(one, tmp_path, hosts(server))
        assert [f.name for f in file.parent.iterdir()] == ["f.npz"]
        ours = Forest.from_arrays(read_npz(file), "f")
        theirs = getattr(model, "predict_proba", model.predict)(x)
        np.testing.assert_allclose(ours.predict(x), theirs, atol=1e-12)
        server.plans = [send(data)]
        with pytest.raises(DataError, match="something else"):
            fetch(replace(one, content_sha256="1" * 64), tmp_path, hosts(server))
