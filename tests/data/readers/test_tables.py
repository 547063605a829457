from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED
from bakeoff.data.readers.columns import columns_of_header, has_header
from bakeoff.data.readers.lines import TableLimits, delimiter_of, split
from bakeoff.data.readers.tables import looks_like_table, read_matrix, read_table
from bakeoff.data.validate import validate
from bakeoff.errors import BakeoffError

from .arrays_made import ink, smooth

Write = Callable[..., Path]
HEADER = "label," + ",".join(f"pixel{i}" for i in range(16))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: str, name: str = "train.csv", end: str = "\n") -> Path:
        path = tmp_path / name
        path.write_bytes((end.join(lines) + end).encode())
        return path

    return write


def row(*fields: object, mark: str = ",") -> str:
    return mark.join(map(str, fields))


def flat(picture: NDArray[np.generic]) -> list[object]:
    return list(picture.reshape(-1).tolist())


def pixels(path: Path) -> NDArray[np.uint8]:
    return np.stack(list(read_table(path).pictures))[..., 0]


def test_kaggle(write: Write) -> None:
    pictures = ink(3)
    rows = [row(label, *flat(p)) for label, p in zip((7, 10, 7), pictures, strict=True)]
    dataset = read_table(write(HEADER, *rows))
    assert dataset.description == "Kaggle CSV"
    assert dataset.name == "train"
    assert dataset.classes == ("7", "10")
    assert dataset.labels.tolist() == [0, 1, 0]
    assert dataset.names == ("train.csv row 2", "train.csv row 3", "train.csv row 4")
    assert not dataset.left_out
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], pictures)


def test_columns_in_any_order(write: Write) -> None:
    picture = ink(1)[0]
    order = list(range(16))
    random.Random(1).shuffle(order)
    header = row(*(f"pixel{i}" for i in order[:5]), "Label", *(f"pixel{i}" for i in order[5:]))
    values = flat(picture)
    line = row(*(values[i] for i in order[:5]), "cat", *(values[i] for i in order[5:]))
    dataset = read_table(write(header, line, line))
    assert dataset.classes == ("cat",)
    assert np.array_equal(dataset.pictures[0][..., 0], picture)


@pytest.mark.parametrize("label_first", [True, False])
@pytest.mark.parametrize("ordered", [True, False])
def test_bare_with_label_first_or_last(write: Write, label_first: bool, ordered: bool) -> None:
    pictures = ink(60)
    labels = np.repeat([0, 1, 2], 20) if ordered else np.tile([2, 0, 1], 20)
    rows = [
        row(label, *flat(p)) if label_first else row(*flat(p), label)
        for label, p in zip(labels.tolist(), pictures, strict=True)
    ]
    dataset = read_table(write(*rows))
    assert dataset.labels.tolist() == labels.tolist()
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], pictures)
    assert dataset.description == "bare table"


@pytest.mark.parametrize("label_first", [True, False])
@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_bare_with_text_labels(write: Write, label_first: bool, mark: str) -> None:
    pictures = ink(4)
    rows = [
        row(label, *flat(p), mark=mark) if label_first else row(*flat(p), label, mark=mark)
        for label, p in zip(("dog", "cat", "cat", "dog"), pictures, strict=True)
    ]
    dataset = read_table(write(*rows))
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [1, 0, 0, 1]
    assert np.array_equal(dataset.pictures[2][..., 0], pictures[2])


def photos(count: int, corner: Sequence[int]) -> NDArray[np.uint8]:
    """Pictures with nothing blank, and the given values in their last pixel."""
    pictures = np.random.default_rng(0).integers(0, 200, (count, 4, 4)).astype(np.uint8)
    pictures[:, 3, 3] = np.resize(corner, count)
    return pictures


def test_label_counts_up_where_both_ends_have_few_values(write: Write) -> None:
    rows = [row(i % 3, *flat(p)) for i, p in enumerate(photos(30, [40, 90]))]
    assert read_table(write(*rows)).classes == ("0", "1", "2")


def test_label_is_higher_than_any_pixel(write: Write) -> None:
    rows = [row(*flat(p % 2), i % 5) for i, p in enumerate(ink(30))]
    # Give the first column both 0 and 1: now both ends count up from 0.
    rows = [str(i % 2) + line[1:] for i, line in enumerate(rows)]
    dataset = read_table(write(*rows))
    assert dataset.classes == ("0", "1", "2", "3", "4")
    assert set(np.concatenate([p.ravel() for p in dataset.pictures]).tolist()) == {0, 255}


@pytest.mark.parametrize("label", [[5], [0, 1]], ids=["one class", "both ends fit"])
def test_ambiguous_label_end(write: Write, label: list[int]) -> None:
    pictures = photos(30, [7] if len(label) == 1 else [0, 1])
    rows = [row(label[i % len(label)], *flat(p)) for i, p in enumerate(pictures)]
    with pytest.raises(BakeoffError, match=r"first or the last column.*Add a header line: label"):
        read_table(write(*rows))


def test_unlabelled(write: Write) -> None:
    pictures = ink(3)
    bare = read_table(write(*(row(*flat(p)) for p in pictures)))
    named = read_table(write(HEADER.removeprefix("label,"), *(row(*flat(p)) for p in pictures)))
    for dataset in (bare, named):
        assert dataset.labels.tolist() == [-1, -1, -1]
        assert dataset.classes == ()
        assert np.array_equal(dataset.pictures[1][..., 0], pictures[1])


@pytest.mark.parametrize("labelled", [True, False])
def test_bare_colour(write: Write, labelled: bool) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    rows = [row(*(["ab"[i % 2]] if labelled else []), *flat(p)) for i, p in enumerate(colour)]
    dataset = read_table(write(*rows))
    assert np.array_equal(dataset.pictures[3], colour[3])
    assert dataset.description == "bare table in colour"


def test_shares_of_one(write: Write) -> None:
    pictures = ink(3)
    rows = [row(i, *flat(np.round(p / 255, 5))) for i, p in enumerate(pictures)]
    assert np.array_equal(pixels(write(HEADER, *rows)), pictures)


def test_black_and_white(write: Write) -> None:
    pictures = ink(3) > 100
    rows = [row(i, *flat(p.astype(int))) for i, p in enumerate(pictures)]
    assert np.array_equal(pixels(write(HEADER, *rows)), pictures * np.uint8(255))


def test_scale_is_that_of_most_rows(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    # One row a block: the first block says 0–1, and all others contradict it.
    monkeypatch.setattr("bakeoff.data.readers.tables._BLOCK_NUMBERS", 1)
    pictures = ink(5)
    pictures[0] = 0
    pictures[0, 1, 1] = 1
    rows = [row(i, *flat(p)) for i, p in enumerate(pictures)]
    dataset = read_table(write(HEADER, *rows))
    assert not dataset.left_out
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], pictures)


def test_one_row_off_scale_is_left_out(write: Write) -> None:
    pictures = ink(4) / 255
    pictures[2, 1, 2] = 7
    rows = [row(i, *flat(p)) for i, p in enumerate(pictures)]
    dataset = read_table(write(HEADER, *rows))
    assert len(dataset) == 3
    assert str(dataset.left_out[0]).startswith("train.csv row 4: pixel 6 is 7, not 0 to 1")


GOOD = [0] * 5 + [200] + [0] * 10


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row(1, *GOOD[:-1]), "it is too short: 16 fields, not 17"),
        (row(1, *GOOD, 0), "it is too long: 18 fields, not 17"),
        (row(1, *GOOD[:-1], "x"), "field 17 is 'x', not a number"),
        (row(1, *GOOD[:-1], ""), "field 17 is empty"),
        (row(1, *GOOD[:-1], 256), "pixel 15 is 256, not 0 to 255"),
        (row(1, -1, *GOOD[1:]), "pixel 0 is -1, not 0 to 255"),
        (row(1, *GOOD[:-1], "nan"), "pixel 15 is nan, not 0 to 255"),
        (row(1, *GOOD[:-1], "1_0"), "field 17 is '1_0', not a number"),
    ],
)
def test_bad_row_is_left_out(write: Write, bad: str, message: str) -> None:
    dataset = read_table(write(HEADER, row("a", *GOOD), "", bad, row("b", *GOOD)))
    (left_out,) = dataset.left_out
    assert left_out.subject == "train.csv row 4"
    assert message in left_out.problem
    assert left_out.hint
    assert dataset.names == ("train.csv row 2", "train.csv row 5")
    assert dataset.classes == ("a", "b")


@pytest.mark.parametrize("header", [True, False])
def test_text_labels_are_texts(write: Write, header: bool) -> None:
    names = ("nan", "NaN", "NA", "None", "null", "NULL", "inf", "True", "1.0", "2e3")
    rows = [row(names[i % 10], *flat(p)) for i, p in enumerate(ink(20))]
    dataset = read_table(write(*[HEADER][: int(header)], *rows))
    assert [dataset.classes[label] for label in dataset.labels] == [*names, *names]
    assert not dataset.left_out


@pytest.mark.parametrize("gap", ["", "nan", "NaN", "NA", "None", "NULL", "<NA>"])
def test_gaps_among_numbers_are_gaps(write: Write, gap: str) -> None:
    rows = [row(label, *flat(p)) for label, p in zip(("1.0", gap, "2.0", "1"), ink(4), strict=True)]
    dataset = read_table(write(HEADER, *rows))
    assert dataset.classes == ("1", "2")
    assert dataset.labels.tolist() == [0, UNLABELLED, 1, 0]
    assert [(out.subject, out.problem) for out in validate(dataset).left_out] == [
        ("train.csv row 3", "it has no label")
    ]


def test_numbers_with_decimals_are_kept(write: Write) -> None:
    rows = [row(label, *flat(p)) for label, p in zip(("1.0", "1.5", "007"), ink(3), strict=True)]
    assert set(read_table(write(HEADER, *rows)).classes) == {"1.0", "1.5", "007"}


def test_a_group_called_na(write: Write) -> None:
    rows = [row("NA" if i % 2 else "EU", i % 3, *flat(p)) for i, p in enumerate(ink(6))]
    assert read_table(write("group," + HEADER, *rows)).group_names == ("EU", "NA")


def test_open_quote_does_not_swallow_the_next_row(write: Write) -> None:
    rows = [row(i, *GOOD) for i in range(3)]
    rows.insert(1, '"' + rows[1])
    rows.insert(3, row(*GOOD) + '",0')
    dataset = read_table(write(HEADER, *rows))
    kept = {"train.csv row 2", "train.csv row 4", "train.csv row 6"}
    assert kept <= set(dataset.names)
    assert len(dataset.names) + len(dataset.left_out) == 5


def test_decimal_comma_has_its_own_hint(write: Write) -> None:
    good = row(1, *GOOD, mark=";")
    bad = row(1, "0,5", *GOOD[1:], mark=";")
    (left_out,) = read_table(write(HEADER.replace(",", ";"), good, bad)).left_out
    assert left_out.hint == "Write numbers with a point, as in 0.5"


def test_a_whole_block_of_short_rows(write: Write) -> None:
    with pytest.raises(
        BakeoffError, match=r"no row can be read; train\.csv row 2: it is too short"
    ):
        read_table(write(HEADER, *[row(1, *GOOD[:-1])] * 3))


def test_bad_rows_in_a_bare_table(write: Write) -> None:
    rows = [row(i % 2, *flat(p)) for i, p in enumerate(ink(40))]
    rows.insert(0, "1,2,3")
    rows.insert(9, rows[5] + ",9")
    dataset = read_table(write(*rows))
    assert len(dataset) == 40
    assert [left.subject for left in dataset.left_out] == ["train.csv row 1", "train.csv row 10"]


def test_spellings_of_one_file(write: Write, tmp_path: Path) -> None:
    """Byte-order mark, CRLF, quotes, blank lines, gzip, trailing export digits."""
    rows = [row(i % 2, *flat(p)) for i, p in enumerate(ink(6))]
    plain = read_table(write(HEADER, *rows)).fingerprint()
    quoted = [",".join(f'"{f}"' for f in line.split(",")) for line in (HEADER, *rows)]
    exported = [",".join(f"{float(f):.18e}" for f in line.split(",")) for line in rows]
    assert read_table(write("\ufeff" + HEADER, *rows)).fingerprint() == plain
    assert read_table(write(HEADER, *rows, end="\r\n")).fingerprint() == plain
    assert read_table(write(HEADER, "", *rows, " ", "")).fingerprint() == plain
    assert read_table(write(*quoted)).fingerprint() == plain
    assert read_table(write(HEADER, *exported)).fingerprint() == plain
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress("\n".join([HEADER, *rows]).encode()))
    assert read_table(packed).fingerprint() == plain
    assert looks_like_table(packed)


def test_labels_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(f"{HEADER}\n{row('Äpfel', *GOOD)}\n".encode("cp1252"))
    assert read_table(path).classes == ("Äpfel",)


def test_group_columns(write: Write) -> None:
    header = "group,writer," + HEADER
    rows = [
        row("g2", "ann", 0, *GOOD),
        row("g1", "bob", 1, *GOOD),
        row("", "ann", 1, *GOOD),
    ]
    path = write(header, *rows)
    result = read_table(path)
    assert result.group_names == ("g1", "g2")
    assert result.groups is not None
    assert result.groups.tolist() == [1, 0]
    assert str(result.left_out[0]).startswith("train.csv row 4: it has no group")
    named = read_table(path, group="column:Writer")
    assert named.group_names == ("ann", "bob")
    assert read_table(path, group="^a").group_names == ("g1", "g2")
    with pytest.raises(BakeoffError, match=r"no column 'style'.*group, writer, label"):
        read_table(path, group="column:style")
    with pytest.raises(BakeoffError, match="no header line"):
        read_table(write(row(*GOOD)), group="column:style")


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("label," + ",".join(map(str, range(16))), 0),
        (",".join(f"{i}x{j}" for i in range(4) for j in range(4)) + ",class", 16),
        ("kind,kind_of," + ",".join(f"px{i}" for i in range(16)), None),
        ("id,kind_of," + ",".join(f"px{i}" for i in range(16)), 1),
        ("class_id,class_name," + ",".join(f"px{i}" for i in range(16)), 1),
        ("label_id,writer," + ",".join(f"px{i}" for i in range(16)), 0),
        ("row_id,y," + ",".join("abcdefghijklmnop"), 1),
        ("animal," + ",".join(f"px{i}" for i in range(16)), 0),
        (",label," + ",".join(f"px{i}" for i in range(16)), 1),
        ("y," + ",".join("abcdefghijklmnop"), 0),
    ],
)
def test_headers(header: str, label: int | None) -> None:
    names = header.split(",")
    assert has_header(names, ["0"] * len(names))
    if label is None:
        with pytest.raises(BakeoffError, match=r"several columns.*kind, kind_of"):
            columns_of_header(names, "x.csv")
        return
    columns = columns_of_header(names, "x.csv")
    assert columns.label == label
    assert columns.shape == (4, 4, 1)


@pytest.mark.parametrize("name", ["id", "ImageId", "img_id", "Unnamed: 0", "index", "nr", "what"])
def test_numbers_of_rows_are_no_labels(write: Write, name: str) -> None:
    header = HEADER.replace("label", name)
    dataset = read_table(write(header, *(row(i, *flat(p)) for i, p in enumerate(ink(20)))))
    assert (dataset.labels == UNLABELLED).all()
    both = header + ",character"
    rows = [row(i, *flat(p), "ab"[i % 2]) for i, p in enumerate(ink(20))]
    dataset = read_table(write(both, *rows))
    assert dataset.classes == ("a", "b")
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], ink(20))


@pytest.mark.parametrize("label", [None, "first", "last"])
def test_row_numbers_in_a_bare_table(write: Write, label: str | None) -> None:
    before, after = (
        [[i % 3] if label == place else [] for i in range(20)] for place in ("first", "last")
    )
    rows = [row(i, *before[i], *flat(p), *after[i]) for i, p in enumerate(ink(20))]
    dataset = read_table(write(*rows))
    assert dataset.classes == (() if label is None else ("0", "1", "2"))
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], ink(20))


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("planes", [True, False])
def test_rows_of_colours(write: Write, header: bool, planes: bool) -> None:
    photos = smooth()
    rows = (np.moveaxis(photos, -1, 1) if planes else photos).reshape(6, -1).tolist()
    lines = [row(*pixels, "ab"[number % 2]) for number, pixels in enumerate(rows)]
    names = [",".join(f"a{at}" for at in range(len(rows[0]))) + ",class"] if header else []
    dataset = read_table(write(*names, *lines))
    assert np.array_equal(np.stack(list(dataset.pictures)), photos)
    assert dataset.classes == ("a", "b")


def test_header_without_square_pictures(write: Write) -> None:
    with pytest.raises(BakeoffError, match="its 15 pixel columns do not form a square picture"):
        read_table(write(HEADER.removesuffix(",pixel15"), row(1, *GOOD[:-1])))


def test_bare_rows_of_odd_length(write: Write) -> None:
    with pytest.raises(BakeoffError, match="a row has 13 fields"):
        read_table(write(row(*range(50, 63)), row(*range(50, 63))))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (HEADER.encode(), "a header but no rows"),
        (b"1,2\0,3", "it is not text"),
        (b"PK\x03\x04rest", "spreadsheet or zip"),
        (gzip.compress(b"1,2,3,4,5\n" * 99, mtime=0)[:-9], "cannot be read to its end"),
    ],
)
def test_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    with pytest.raises(BakeoffError, match=message) as caught:
        read_table(path)
    assert caught.value.subject == "train.csv"


def test_limits(write: Write) -> None:
    path = write(HEADER, row(1, *GOOD))
    for limits in (TableLimits(max_bytes=50), TableLimits(max_bytes=10**9, max_line_bytes=0)):
        path.write_bytes(path.read_bytes().rstrip())
        with pytest.raises(BakeoffError, match="too long for a table"):
            read_table(path, limits=limits)
    with pytest.raises(BakeoffError, match="too long for one picture"):
        read_matrix(b"1 2\n3 4", "a", limits=TableLimits(max_matrix_bytes=3))


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (HEADER.encode() + b"\n" + row(1, *GOOD).encode(), True),
        (b"\xef\xbb\xbf1;2;3;4;5\n", True),
        (b"1 2 3 4\n5 6 7 8", True),
        (b"file_name,label\na.png,cat\n", False),
        (b"id,label\n1,5\n", False),
        (b"a,b,c,d,e\n1,x,y,z,w\n", False),
        (b"", False),
        (b"\n\n", False),
        (b"1,2,3,4,\0", False),
        (b"\x1f\x8bnot gzip", False),
        (b"some words of a text without numbers", False),
    ],
)
def test_looks_like_table(tmp_path: Path, content: bytes, verdict: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert looks_like_table(path) is verdict


def test_looks_like_table_of_nothing(tmp_path: Path) -> None:
    assert not looks_like_table(tmp_path / "missing")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300)
    | st.lists(
        st.lists(st.sampled_from(["0", "1", "9", "0.5", "cat", "", '"', "255", "300"]), max_size=6),
        max_size=8,
    ).map(lambda rows: "\n".join(map(",".join, rows)).encode())
)
def test_table_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    looks_like_table(path)
    try:
        dataset = read_table(path)
    except BakeoffError:
        return
    assert len(dataset) == len(dataset.labels) == len(dataset.names) > 0
    assert dataset.labels.max() < max(1, len(dataset.classes))


def test_a_table_whose_groups_are_all_empty(tmp_path: Path) -> None:
    """Found by the test above: it was read as a set of no pictures."""
    path = tmp_path / "x.csv"
    names = ",".join(f"pixel{i}" for i in range(16))
    path.write_text(f"label,group,{names}\n" + f"a,,{','.join('0' * 16)}\n" * 2)
    with pytest.raises(BakeoffError, match=r"no row can be read; x\.csv row 2: "):
        read_table(path)


def test_splitting() -> None:
    assert [delimiter_of(line) for line in ("1,2;3", "1\t2", "1,2", "1 2")] == [
        ";",
        "\t",
        ",",
        None,
    ]
    assert split('"a,b", 1 ,"2"', ",") == ["a,b", "1", "2"]
    assert split(f'"{"x" * 140_000}",1', ",")[1] == "1"
