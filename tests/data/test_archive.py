import bz2
import contextlib
import gzip
import io
import lzma
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakeoff.data.archive import ArchiveLimits, is_archive, unpacked
from bakeoff.errors import BakeoffError, LeftOut

Pack: TypeAlias = Callable[[Path, Mapping[str, bytes]], Path]
Compress: TypeAlias = Callable[[bytes], bytes]

LIMITS = ArchiveLimits()
FILES = {"cat/a.png": b"one", "dog/b.png": b"two" * 1000}


def zipped(path: Path, files: Mapping[str, bytes] = FILES) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, files: Mapping[str, bytes] = FILES, *extra: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in extra:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def contents(path: Path, limits: ArchiveLimits = LIMITS) -> dict[str, bytes]:
    with unpacked(path, limits) as (folder, _):
        return {
            p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*")
            if p.is_file()
        }


def left_out(path: Path, limits: ArchiveLimits = LIMITS) -> list[LeftOut]:
    with unpacked(path, limits) as (_, records):
        return list(records)


def refusal(path: Path, limits: ArchiveLimits = LIMITS) -> str:
    with pytest.raises(BakeoffError) as refused:
        contents(path, limits)
    assert refused.value.subject == path.name
    return refused.value.problem


def test_zip(tmp_path: Path) -> None:
    assert contents(zipped(tmp_path / "no-ending")) == FILES


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_tar_below_any_compression(tmp_path: Path, compress: Compress) -> None:
    path = tarred(tmp_path / "no-ending")
    path.write_bytes(compress(path.read_bytes()))
    assert is_archive(path)
    assert contents(path) == FILES


def test_the_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with unpacked(zipped(tmp_path / "a.zip")) as (folder, _):
        assert (folder / "cat" / "a.png").exists()
    assert not folder.exists()


def test_empty_folders_are_kept(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"cow/": b""})
    with unpacked(archive) as (folder, _):
        assert (folder / "cow").is_dir()
    with unpacked(tarred(tmp_path / "a.tar", {}, special("hen", tarfile.DIRTYPE))) as (folder, _):
        assert (folder / "hen").is_dir()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"text",
        bytes(2000),
        b"\x1f\x8b broken",
        b"BZh broken",
        gzip.compress(b"", mtime=0),
    ],
)
def test_files_that_are_not_archives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert not is_archive(tmp_path / "a")


def test_arrays_and_single_gzipped_files_are_not_archives(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    (tmp_path / "idx.gz").write_bytes(gzip.compress(struct.pack(">II", 2051, 1) + bytes(2000)))
    assert not is_archive(tmp_path / "a.npz")
    assert not is_archive(tmp_path / "idx.gz")


@pytest.mark.parametrize(
    "name", ["../evil", "cat/../../evil", "/evil", "..\\evil", "C:\\evil", "C:evil"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_that_leads_out_is_left_out(tmp_path: Path, pack: Pack, name: str) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    archive = pack(inner / "a.x", {name: b"evil", **FILES})
    assert contents(archive) == FILES
    assert [record.problem for record in left_out(archive)] == ["its name leads out of the archive"]
    assert not list(tmp_path.rglob("evil"))


def test_windows_slashes_mean_folders(tmp_path: Path) -> None:
    assert contents(zipped(tmp_path / "a.zip", {"cat\\a.png": b"x"})) == {"cat/a.png": b"x"}


def test_litter_is_ignored_silently(tmp_path: Path) -> None:
    litter = {"__MACOSX/cat/._a.png": b"x", ".DS_Store": b"x", "cat/.ipynb_checkpoints/a": b"x"}
    archive = zipped(tmp_path / "a.zip", {**litter, **FILES})
    assert contents(archive) == FILES
    assert left_out(archive) == []


@pytest.mark.parametrize(
    "member",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard", tarfile.LNKTYPE, "../../etc/passwd"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_are_left_out_of_a_tar(tmp_path: Path, member: tarfile.TarInfo) -> None:
    archive = tarred(tmp_path / "a.tar", FILES, member)
    assert contents(archive) == FILES
    assert [str(record) for record in left_out(archive)] == [
        f"a.tar/{member.name}: it is a link or a device, not a file. "
        "Pack it again as an ordinary zip or tar file."
    ]


def test_a_file_behind_a_link_is_not_written_through_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(special("cat", tarfile.SYMTYPE, str(outside)))
        member = tarfile.TarInfo("cat/a.png")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"one"))
    assert contents(tmp_path / "a.tar") == {"cat/a.png": b"one"}
    assert list(outside.iterdir()) == []


def test_links_are_left_out_of_a_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert contents(path) == FILES
    assert [record.subject for record in left_out(path)] == ["a.zip/link"]


def test_a_repeated_name_is_left_out(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("cat/a.png", b"another")
        archive.writestr("cat/a.png/inside", b"another")
    assert contents(path) == FILES
    assert [record.problem for record in left_out(path)] == [
        "another file in the archive has the same name",
        "a file in the archive has the name of its folder",
    ]


def test_long_names_are_left_out(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x" * 256: b"", "y/" * 501: b"", **FILES})
    assert contents(archive) == FILES
    assert {record.problem for record in left_out(archive)} == {"its name is too long"}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    assert contents(tarred(tmp_path / "a.tar", {"caf\udce9/a": b"x"})) == {"caf?/a": b"x"}


def test_a_damaged_file_in_a_zip_is_left_out(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"bad": b"marked", **FILES})
    path.write_bytes(path.read_bytes().replace(b"marked", b"mArked"))
    with zipfile.ZipFile(path) as archive:
        stored = archive.getinfo("bad").compress_type
    assert stored == zipfile.ZIP_DEFLATED
    data = bytearray(path.read_bytes())
    data[30 + 3] ^= 0xFF  # the first byte of the first member
    path.write_bytes(bytes(data))
    assert contents(path) == FILES
    assert [record.problem for record in left_out(path)] == ["it is damaged in the archive"]


@pytest.mark.parametrize("keep", [0.2, 0.9])
def test_a_zip_cut_short(tmp_path: Path, keep: float) -> None:
    path = zipped(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    assert is_archive(path)
    assert refusal(path) == "the archive is damaged or cut short (truncated)"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress])
def test_a_tar_cut_short(tmp_path: Path, compress: Compress) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    path = tarred(tmp_path / "a.tar", {"cat/a.png": noise})
    data = compress(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    assert is_archive(path)
    assert refusal(path) == "the archive is damaged or cut short (truncated)"


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    path.write_bytes(bytes(data))
    assert refusal(path) == "the archive is encrypted ('cat/a.png' needs a password)"


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_members(tmp_path: Path, pack: Pack) -> None:
    archive = pack(tmp_path / "a.x", {str(n): b"" for n in range(11)})
    assert refusal(archive, ArchiveLimits(max_members=10)) == "the archive holds more than 10 files"
    assert len(contents(archive, ArchiveLimits(max_members=11))) == 11


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_bytes(tmp_path: Path, pack: Pack) -> None:
    archive = pack(tmp_path / "a.x", {"a": bytes(600), "b": bytes(600)})
    limits = ArchiveLimits(max_bytes=1000, max_members=1000)
    assert refusal(archive, limits) == "the archive unpacks to more than 1e-06 GB"


def test_a_bomb_in_a_zip(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"bomb": bytes(3_000_000)})
    limits = ArchiveLimits(ratio_from=1_000_000)
    assert refusal(archive, limits) == "the archive unpacks to more than 200 times its size"


def test_a_bomb_in_a_tar_even_where_it_would_be_skipped(tmp_path: Path) -> None:
    bomb = special(".hidden", tarfile.REGTYPE)
    bomb.size = 8_000_000
    path = tarred(tmp_path / "a.tar", {}, bomb, special("next", tarfile.DIRTYPE))
    path.write_bytes(gzip.compress(path.read_bytes()))
    limits = ArchiveLimits(ratio_from=1_000_000)
    assert refusal(path, limits) == "the archive unpacks to more than 200 times its size"
    limits = ArchiveLimits(max_bytes=1_000_000, max_members=10)
    assert refusal(path, limits) == "the archive unpacks to more than 0.001 GB"


LONG = 70 << 10  # bytes


def oversized_pax(kind: bytes) -> bytes:
    header = special("name", kind)
    header.size = LONG
    return header.tobuf() + bytes(LONG)


def oversized_sparse() -> bytes:
    """A file of many holes, whose places are listed in one block after the other."""
    header = bytearray(special("name", tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[482] = 1  # a block follows
    header[148:156] = b" " * 8  # the checksum counts as blanks
    header[148:156] = b"%06o\0 " % sum(header)
    block = bytearray(tarfile.BLOCKSIZE)
    block[504] = 1  # and another one
    return bytes(header + block * (LONG // tarfile.BLOCKSIZE))


def oversized_map() -> bytes:
    """The same as in POSIX archives: the list is in front of the content."""
    member = tarfile.TarInfo("name")
    member.size = LONG
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    places = b"%d\n" % (LONG // 4) + b"0\n" * (LONG // 2)
    return member.tobuf(tarfile.PAX_FORMAT) + places[:LONG]


@pytest.mark.parametrize(
    "archive",
    [
        oversized_pax(tarfile.XHDTYPE),
        oversized_pax(tarfile.XGLTYPE),
        oversized_pax(tarfile.GNUTYPE_LONGNAME),
        oversized_sparse(),
        oversized_map(),
    ],
    ids=["extended", "global", "long name", "sparse", "sparse map"],
)
def test_a_tar_header_that_would_fill_the_memory(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(archive)
    limits = ArchiveLimits(max_header=64 << 10)
    assert refusal(tmp_path / "a.tar", limits) == "the archive holds a header of many megabytes"


def test_many_members_are_not_one_header(tmp_path: Path) -> None:
    many = [special(f"folder {n}/" + "x" * 200, tarfile.DIRTYPE) for n in range(50)]
    path = tarred(tmp_path / "a.tar", {"a.png": b"one"}, *many)
    assert path.stat().st_size > LONG
    assert contents(path, ArchiveLimits(max_header=64 << 10))["a.png"] == b"one"


def test_a_full_disk_is_not_blamed_on_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    archive = zipped(tmp_path / "a.zip")
    real = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda p, *a, **k: (full if k else real)(p, *a, **k))
    with pytest.raises(OSError, match="No space left"):
        contents(archive)


@given(
    st.sampled_from(["zip", "tar", "tar.gz"]),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6),
    st.integers(0, 3000),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_is_unpacked_or_refused(
    tmp_path: Path, kind: str, changes: list[tuple[int, int]], cut: int
) -> None:
    path = tmp_path / f"a.{kind}"
    data = bytearray((zipped if kind == "zip" else tarred)(path).read_bytes())
    if kind == "tar.gz":
        data = bytearray(gzip.compress(bytes(data), mtime=0))
    for at, value in changes:
        data[at % len(data)] = value
    path.write_bytes(bytes(data[: cut or None]))
    is_archive(path)
    with contextlib.suppress(BakeoffError):
        assert all(len(content) <= 4000 for content in contents(path).values())
