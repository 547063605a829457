from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.data import catalog, download
from bakeoff.data.catalog import (
    NAMED,
    NamedSet,
    fetch,
    is_named,
    load_named,
    named_sets,
)
from bakeoff.data.dataset import Dataset
from bakeoff.data.download import RemoteFile
from bakeoff.data.pictures import Pictures
from bakeoff.data.readers.usps import read_usps
from bakeoff.errors import BakeoffError

CONTENT = bytes(range(256)) * 2000
MakeSet = Callable[..., str]


class Server(ThreadingHTTPServer):
    """Serves `answers` by path and records the requests."""

    answers: dict[str, tuple[int, dict[str, str], bytes]]
    requests: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        status, headers, body = self.server.answers.get(self.path, (404, {}, b"no"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answers, server.requests = {}, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def load(folder: Path) -> Dataset:
    data = np.frombuffer((folder / "a.bin").read_bytes(), dtype=np.uint8)
    return Dataset(
        name="x",
        pictures=Pictures.from_array(data.reshape(2, -1, 256)),
        labels=np.asarray([0, 1]),
        classes=("0", "1"),
        names=("a", "b"),
    )


@pytest.fixture
def make_set(server: Server, monkeypatch: pytest.MonkeyPatch) -> MakeSet:
    """A set called `tiny` of one file, served by this machine."""

    def make_set(
        *, sha256: str | None = None, inside: str = "", max_bytes: int = 10**6, url: str = ""
    ) -> str:
        file = RemoteFile("a.bin", sha256 or hashlib.sha256(CONTENT).hexdigest(), inside, max_bytes)
        url = url or f"http://127.0.0.1:{server.server_port}/"
        tiny = NamedSet("for tests", load, url, (file,), ("cat", "dog"))
        monkeypatch.setattr(catalog, "NAMED", {**NAMED, "tiny": tiny})
        return "tiny"

    return make_set


def serve(
    server: Server,
    body: bytes = CONTENT,
    *,
    status: int = 200,
    length: int | None = None,
    location: str | None = None,
) -> None:
    headers = {} if length is None else {"Content-Length": str(length)}
    headers |= {} if location is None else {"Location": location}
    server.answers["/a.bin"] = (status, headers, body)


def assert_nothing_left(cache: Path) -> None:
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_fetch_and_load(server: Server, make_set: MakeSet, cache: Path) -> None:
    name = make_set()
    with pytest.raises(BakeoffError) as caught:
        load_named(name)
    assert str(caught.value) == (
        "tiny: not in the cache yet. Run `bakeoff fetch tiny`, "
        "or with no network `bakeoff fetch tiny --from DIR`."
    )
    serve(server, length=len(CONTENT))
    seen: list[tuple[int, int]] = []
    folder = fetch(name, progress=lambda done, total: seen.append((done, total)))
    assert folder == cache / "tiny"
    assert [path.name for path in folder.iterdir()] == ["a.bin"]
    assert len(seen) > 1
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    dataset = load_named(name)
    assert dataset.name == "tiny"
    assert dataset.classes == ("cat", "dog")
    assert fetch(name) == folder
    assert server.requests == ["/a.bin"]


def test_damaged_cache_is_fetched_again(server: Server, make_set: MakeSet) -> None:
    name = make_set()
    serve(server)
    seen: list[int] = []
    path = fetch(name, progress=lambda _, total: seen.append(total)) / "a.bin"
    assert set(seen) == {0}  # the server sent no length
    path.write_bytes(b"half")
    fetch(name)
    assert path.read_bytes() == CONTENT


def test_wrong_checksum(server: Server, make_set: MakeSet, cache: Path) -> None:
    serve(server, CONTENT[:-1] + b"!")
    with pytest.raises(BakeoffError, match=r"a\.bin: its checksum is not that of the published"):
        fetch(make_set())
    assert_nothing_left(cache)


def test_cut_short(server: Server, make_set: MakeSet, cache: Path) -> None:
    serve(server, CONTENT[:-9], length=len(CONTENT))
    with pytest.raises(
        BakeoffError, match=r"a\.bin: it cannot be downloaded \(.*(9 more expected|IncompleteRead)"
    ):
        fetch(make_set())
    assert_nothing_left(cache)


def test_missing(server: Server, make_set: MakeSet, cache: Path) -> None:
    with pytest.raises(BakeoffError, match=r"\(HTTP 404\).*`bakeoff fetch tiny --from DIR`"):
        fetch(make_set())
    assert_nothing_left(cache)


def test_too_long(server: Server, make_set: MakeSet, cache: Path) -> None:
    serve(server)
    with pytest.raises(BakeoffError, match="longer than the 1000 bytes"):
        fetch(make_set(max_bytes=1000))
    assert_nothing_left(cache)


def test_no_network(server: Server, make_set: MakeSet, cache: Path) -> None:
    # Port 1 of this machine refuses every connection.
    with pytest.raises(BakeoffError, match=r"http://127\.0\.0\.1:1/a\.bin: it cannot be down"):
        fetch(make_set(url="http://127.0.0.1:1/"))
    assert_nothing_left(cache)


def test_slow_server(
    server: Server, make_set: MakeSet, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_TIMEOUT_SECONDS", 0.05)
    # It promises more than it sends, and keeps the connection open.
    release = threading.Event()

    def stall(self: Handler) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "99")
        self.end_headers()
        self.wfile.flush()
        release.wait(5)

    monkeypatch.setattr(Handler, "do_GET", stall)
    with pytest.raises(BakeoffError, match="timed out"):
        fetch(make_set())
    release.set()
    assert_nothing_left(cache)


@pytest.mark.parametrize("url", ["http://example.org/", "file:///etc/", "ftp://127.0.0.1/"])
def test_unsafe_addresses(make_set: MakeSet, url: str) -> None:
    with pytest.raises(BakeoffError, match="it is not an https address"):
        fetch(make_set(url=url))


def test_redirects(server: Server, make_set: MakeSet) -> None:
    name = make_set()
    serve(server, status=302, location="http://example.org/a.bin")
    with pytest.raises(BakeoffError, match=r"http://example\.org/a\.bin: it is not an https addr"):
        fetch(name)
    serve(server, status=302, location="/b.bin")
    server.answers["/b.bin"] = (200, {}, CONTENT)
    assert (fetch(name) / "a.bin").read_bytes() == CONTENT


def test_a_redirect_that_leads_back_to_http_is_not_followed(
    server: Server, make_set: MakeSet, cache: Path
) -> None:
    """The address of the second hop counts too."""
    name = make_set()
    serve(server, status=302, location="/b.bin")
    server.answers["/b.bin"] = (301, {"Location": "http://example.org/c.bin"}, b"")
    with pytest.raises(BakeoffError, match=r"http://example\.org/c\.bin: it is not an https addr"):
        fetch(name)
    assert server.requests == ["/a.bin", "/b.bin"]
    assert_nothing_left(cache)


def test_a_file_may_be_as_long_as_its_bound(server: Server, make_set: MakeSet) -> None:
    serve(server, length=len(CONTENT))
    assert (fetch(make_set(max_bytes=len(CONTENT))) / "a.bin").read_bytes() == CONTENT


def test_an_interrupted_download_starts_again(
    server: Server, make_set: MakeSet, cache: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    name = make_set()
    serve(server, length=len(CONTENT))
    with pytest.raises(KeyboardInterrupt):
        fetch(name, progress=interrupt)
    assert list((cache / "tiny").iterdir()) == []
    assert (fetch(name) / "a.bin").read_bytes() == CONTENT


def test_a_packed_file_is_not_unpacked_on_the_way(server: Server, make_set: MakeSet) -> None:
    packed = gzip.compress(CONTENT, mtime=0)
    serve(server, packed, length=len(packed))
    name = make_set(sha256=hashlib.sha256(packed).hexdigest())
    assert (fetch(name) / "a.bin").read_bytes() == packed


def test_a_cache_that_cannot_be_written(server: Server, make_set: MakeSet, cache: Path) -> None:
    serve(server)
    cache.write_text("a file where the folder should be")
    with pytest.raises(BakeoffError, match=r"a\.bin cannot be written there .*BAKEOFF_CACHE"):
        fetch(make_set())


def test_from_a_folder(make_set: MakeSet, tmp_path: Path, cache: Path) -> None:
    name = make_set(url="http://127.0.0.1:1/")
    with pytest.raises(BakeoffError, match=r"a\.bin: it cannot be read .*Put a\.bin into that"):
        fetch(name, source=tmp_path)
    with (tmp_path / "a.bin").open("wb") as stream:
        stream.truncate(10**6 + 1)
    with pytest.raises(BakeoffError, match="longer than the 1000000 bytes"):
        fetch(name, source=tmp_path)
    (tmp_path / "a.bin").write_bytes(b"something else")
    with pytest.raises(BakeoffError, match="its checksum is not that"):
        fetch(name, source=tmp_path)
    assert_nothing_left(cache)
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert (fetch(name, source=tmp_path) / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("data", "fine"),
    [
        (gzip.compress(CONTENT, 1, mtime=0), True),
        (gzip.compress(CONTENT, 9, mtime=0), True),
        (gzip.compress(CONTENT + b"!", mtime=0), False),
        (gzip.compress(CONTENT, mtime=0)[:-9], False),
        (gzip.compress(bytes(9 * 10**6), mtime=0), False),
        (CONTENT, False),
    ],
)
def test_packed_by_another_program(
    make_set: MakeSet, tmp_path: Path, data: bytes, fine: bool
) -> None:
    name = make_set(sha256="0" * 64, inside=hashlib.sha256(CONTENT).hexdigest())
    (tmp_path / "a.bin").write_bytes(data)
    if fine:
        assert (fetch(name, source=tmp_path) / "a.bin").read_bytes() == data
    else:
        with pytest.raises(BakeoffError, match="its checksum"):
            fetch(name, source=tmp_path)


def test_doodles() -> None:
    dataset = load_named("doodles")
    assert len(dataset) == 1000
    assert len(dataset.classes) == 10
    assert np.bincount(dataset.labels).tolist() == [100] * 10
    assert dataset.pictures.shapes.max(axis=0).tolist() == [28, 28, 1]
    packed = fetch("doodles") / "doodles.npz"
    assert packed.stat().st_size <= 400_000
    assert "CC BY 4.0" in (packed.parent / "ATTRIBUTION.md").read_text()


def test_clothing() -> None:
    dataset = load_named("clothing")
    assert len(dataset) == 391
    assert dataset.classes[:3] == ("dress", "hat", "longsleeve")
    assert sorted(set(np.bincount(dataset.labels).tolist())) == [34, 37, 40]
    assert dataset.pictures.shapes.max(axis=0).tolist() == [192, 192, 3]
    assert dataset.names[0] == "dress/01.webp"
    packed = fetch("clothing") / "clothing.zip"
    assert packed.stat().st_size <= 2_000_000
    assert "CC0" in (packed.parent / "ATTRIBUTION.md").read_text()
    with zipfile.ZipFile(packed) as archive:
        photos = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert not any(photo.getexif() for photo in photos)  # nor where a photo was taken


def test_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    dataset = load_named("digits")
    assert len(dataset) == 1797
    assert dataset.classes == tuple("0123456789")
    assert dataset.pictures.shapes[0].tolist() == [8, 8, 1]
    values = np.unique(np.concatenate([p.ravel() for p in dataset.pictures]))
    assert len(values) == 17
    assert values[[0, -1]].tolist() == [0, 255]


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(BakeoffError, match=r"pip install 'bakeoff\[train\]'"):
        load_named("digits")


def test_names() -> None:
    assert set(named_sets()) >= {
        "digits",
        "doodles",
        "clothing",
        "mnist",
        "fashion-mnist",
        "kmnist",
        "usps",
    }
    assert is_named("mnist")
    assert not is_named("cifar")
    with pytest.raises(BakeoffError, match=r"no such named set.*digits, doodles"):
        fetch("cifar")
    for known in NAMED.values():
        assert len({file.name for file in known.files}) == len(known.files)
        assert not known.files or known.url.startswith("https://")
        assert not known.files or known.url.endswith("/")
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in known.files)
        assert len(known.classes) in (0, 10)


def usps_line(label: int = 1, **changes: object) -> str:
    values = [f"{i}:{-1 + (i % 3)}" for i in range(1, 257)]
    for place, text in changes.items():
        values[int(place[1:])] = str(text)
    return " ".join([str(label), *values]) + " \n"


def put_usps(folder: Path, train: str | bytes, test: str = usps_line(10)) -> None:
    train = train.encode() if isinstance(train, str) else train
    (folder / "usps.bz2").write_bytes(bz2.compress(train))
    (folder / "usps.t.bz2").write_bytes(bz2.compress(test.encode()))


def test_usps(tmp_path: Path) -> None:
    put_usps(tmp_path, usps_line(1) + usps_line(3))
    dataset = read_usps(tmp_path)
    assert dataset.labels.tolist() == [0, 2, 9]
    assert dataset.classes == tuple("0123456789")
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False, False, True]
    assert dataset.pictures[0].shape == (16, 16, 1)
    assert dataset.pictures[0].ravel()[:3].tolist() == [128, 255, 0]


@pytest.mark.parametrize(
    "line",
    [
        usps_line(11),
        usps_line(0),
        usps_line(v5="7:0"),
        usps_line(v5="6:1.5"),
        usps_line(v5="6:nan"),
        usps_line(v5="6:x"),
        usps_line(v5="6"),
        usps_line(v5=""),
        "1\n",
        "\n",
    ],
)
def test_usps_line_of_another_form(tmp_path: Path, line: str) -> None:
    put_usps(tmp_path, usps_line() + line)
    with pytest.raises(BakeoffError, match=r"usps\.bz2 line 2: it is not a label and 256 numbers"):
        read_usps(tmp_path)


def test_usps_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_usps(tmp_path, "")
    with pytest.raises(BakeoffError, match="it is empty"):
        read_usps(tmp_path)
    put_usps(tmp_path, b"\xff")
    with pytest.raises(BakeoffError, match="it is damaged"):
        read_usps(tmp_path)
    put_usps(tmp_path, usps_line())
    (tmp_path / "usps.bz2").write_bytes((tmp_path / "usps.bz2").read_bytes()[:-9])
    with pytest.raises(BakeoffError, match="it is damaged"):
        read_usps(tmp_path)
    put_usps(tmp_path, usps_line())
    monkeypatch.setattr("bakeoff.data.readers.usps._MAX_TEXT", 10)
    with pytest.raises(BakeoffError, match="far too long"):
        read_usps(tmp_path)
