import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from ..pictures_made import drawing, encoded, save, why


def pictures(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        save(folder / name, number)
    return folder


def labelled(folder: Path) -> dict[str, str]:
    """The class of each picture by its name."""
    data = read(folder)
    return {n: data.classes[i] for n, i in zip(data.names, data.labels.tolist(), strict=True)}


FOUR = {"a.png": "ant", "b.png": "bee", "c.png": "ant", "d.png": "bee"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "name,label\na.png,ant\nb.png,bee\nc.png,ant\nd.png,bee\n"),
        ("train.csv", "id;breed\na;ant\nb;bee\nc;ant\nd;bee\n"),  # without the suffix, as Kaggle's
        ("labels.tsv", "insect\timage\nant\tA.PNG\nbee\tb.png\nant\t./c.png\nbee\td.png\n"),
        ("labels.csv", "a.png,ant\nb.png,bee\nc.png,ant\nd.png,bee\n"),  # without a header
        ("train.txt", "a.png ant\nb.png bee\nc.png ant\nd.png bee\n"),
        ("x.csv", 'image,label\n"C:\\pics\\a.png",ant\nb,bee\n/tmp/c.png,ant\n../../d.png,bee\n'),
        (
            "labels.jsonl",
            "".join(json.dumps({"path": n, "label": v}) + "\n" for n, v in FOUR.items()),
        ),
        (  # one-hot, as Roboflow writes it
            "_classes.csv",
            "filename, ant, bee\na.png, 1, 0\nb.png, 0, 1\nc.png, 1, 0\nd.png, 0, 1\n",
        ),
        (
            "tags.csv",
            "id,file,weight,label,width\n1,a.png,3.5,ant,9\n2,b.png,2.5,bee,9\n"
            "3,c.png,1.5,ant,9\n4,d.png,0.5,bee,9\n",
        ),
    ],
)
def test_tables_of_names(tmp_path: Path, name: str, text: str) -> None:
    pictures(tmp_path / "beside", *FOUR)
    (tmp_path / "beside" / name).write_text(text)
    assert labelled(tmp_path / "beside") == FOUR
    pictures(tmp_path / "inside" / "img", *FOUR)
    (tmp_path / "inside" / name).write_text(text)
    assert labelled(tmp_path / "inside") == {f"img/{n}": v for n, v in FOUR.items()}
    assert read(tmp_path / "inside" / name).classes == ("ant", "bee")
    pictures(tmp_path / "apart" / "img", *FOUR)
    (tmp_path / "apart" / "labels").mkdir()
    (tmp_path / "apart" / "labels" / name).write_text(text)
    assert labelled(tmp_path / "apart") == {f"img/{n}": v for n, v in FOUR.items()}


def test_the_layout_is_said(tmp_path: Path) -> None:
    pictures(tmp_path, *FOUR)
    (tmp_path / "labels.csv").write_text("name,label\na.png,ant\nb.png,bee\nc,ant\nd,bee\n")
    assert read(tmp_path).description.startswith("pictures named by labels.csv, 4 pictures")


def test_folders_with_the_same_names_are_kept_apart(tmp_path: Path) -> None:
    for part, classes in (("train", "ant bee ant bee"), ("test", "bee ant bee ant")):
        pictures(tmp_path / part, *FOUR)
        lines = [f"{n},{c}" for n, c in zip(FOUR, classes.split(), strict=True)]
        (tmp_path / part / "_annotations.csv").write_text("\n".join(["filename,class", *lines]))
    data = read(tmp_path)
    assert data.official_test is not None
    assert data.official_test.tolist() == [name.startswith("test/") for name in data.names]
    assert labelled(tmp_path)["test/a.png"] == "bee"
    assert labelled(tmp_path)["train/a.png"] == "ant"


def test_parts_in_tables_of_their_own_and_a_sample_submission(tmp_path: Path) -> None:
    """As Kaggle's: train.csv has the classes, test.csv the names, sample_submission.csv neither."""
    pictures(tmp_path / "train", "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    pictures(tmp_path / "test", "5.jpg", "6.jpg")
    (tmp_path / "train.csv").write_text("id,label\n1,x\n2,y\n3,x\n4,y\n")
    (tmp_path / "test.csv").write_text("id\n5\n6\n")
    (tmp_path / "sample_submission.csv").write_text("id,label\n5,x\n6,x\n")
    data = read(tmp_path)
    assert (len(data), data.official_test) == (4, None)
    assert why(data.left_out) == {"test/5.jpg": "no row of train.csv names it, nor 1 other"}


def test_a_column_of_parts(tmp_path: Path) -> None:
    pictures(tmp_path, *FOUR, "e.png", "f.png")
    rows = "a,ant,train\nb,bee,train\nc,ant,valid\nd,bee,train\ne,ant,test\nf,bee,test\n"
    (tmp_path / "all.csv").write_text("file,label,split\n" + rows)
    data = read(tmp_path)
    assert data.official_test is not None
    assert data.official_test.tolist() == [False] * 4 + [True] * 2


def test_medmnist_save(tmp_path: Path) -> None:
    """The layout of medmnist 3.0.2's `save()`: the folder, and FLAG.csv in it, without a header."""
    lines = []
    for part, word in (("train", "TRAIN"), ("val", "VALIDATION"), ("test", "TEST")):
        for index in range(4):
            save(tmp_path / "breastmnist" / f"{part}{index}_{index % 2}.png", index)
            lines.append(f"{word},{part}{index}_{index % 2}.png,{index % 2}\n")
    (tmp_path / "breastmnist.csv").write_text("".join(lines))
    data = read(tmp_path)
    assert (data.classes, len(data)) == (("malignant", "normal, benign"), 12)
    assert data.official_test is not None
    assert data.official_test.sum() == 4


def ham(folder: Path) -> Path:
    """HAM10000: pictures in two folders, and a table of seven columns."""
    lines = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for index in range(8):
        save(folder / f"HAM10000_images_part_{1 + index % 2}" / f"ISIC_{index}.jpg", index)
        dx, sex = ("bkl", "mel")[index // 4], ("male", "female")[index % 2]
        lines.append(f"HAM_{index // 2},ISIC_{index},{dx},histo,{40.0 + index % 3},{sex},back")
    (folder / "HAM10000_metadata.csv").write_text("\n".join(lines))
    return folder


def test_ham10000(tmp_path: Path) -> None:
    ham(tmp_path)
    assert read(tmp_path).classes == ("bkl", "mel")
    data = read(tmp_path, label="sex", group="lesion_id")
    assert data.classes == ("female", "male")
    assert data.group_names == ("HAM_0", "HAM_1", "HAM_2", "HAM_3")


def test_several_columns_could_be_the_class(tmp_path: Path) -> None:
    ham(tmp_path)
    path = tmp_path / "HAM10000_metadata.csv"
    path.write_text(path.read_text().replace(",dx,", ",finding,"))
    problem = "several columns could be the class: .*finding.*sex.*--label "
    with pytest.raises(BakeoffError, match=problem):
        read(tmp_path)
    assert read(tmp_path, label="finding").classes == ("bkl", "mel")


def test_class_folders_outweigh_a_table_that_names_no_class(tmp_path: Path) -> None:
    for name, index in (("cat", 0), ("cat", 1), ("dog", 2), ("dog", 3)):
        save(tmp_path / name / f"{index}.png", index)
    rows = "0.png,indoors,x\n1.png,outdoors,y\n2.png,indoors,x\n3.png,outdoors,y\n"
    (tmp_path / "notes.csv").write_text("name,place,by\n" + rows)
    assert read(tmp_path).classes == ("cat", "dog")
    assert read(tmp_path, label="place").classes == ("indoors", "outdoors")


def test_class_folders_outweigh_a_table_of_a_few_pictures(tmp_path: Path) -> None:
    """Such as the corrections that bakeoff check proposes, left in the folder of the set."""
    for number in range(12):
        save(tmp_path / ("cat", "dog")[number % 2] / f"{number}.png", number)
    (tmp_path / "corrections.csv").write_text(
        "name,action,label\ncat/0.png,relabel,dog\ndog/1.png,relabel,cat\n"
    )
    assert (len(read(tmp_path)), read(tmp_path).classes) == (12, ("cat", "dog"))
    rows = [f"{('cat', 'dog')[n % 2]}/{n}.png,{'ab'[n // 6]}\n" for n in range(12)]
    (tmp_path / "labels.csv").write_text("name,label\n" + "".join(rows))
    (tmp_path / "corrections.csv").unlink()
    assert read(tmp_path).classes == ("a", "b")


def test_several_classes_of_a_picture_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, *FOUR)
    (tmp_path / "_classes.csv").write_text("filename, ant, bee\na.png, 1, 1\nb.png, 0, 1\n")
    with pytest.raises(BakeoffError, match=r"'a\.png' has several classes \(ant, bee\)"):
        read(tmp_path)


def test_rows_and_pictures_that_do_not_fit(tmp_path: Path) -> None:
    pictures(tmp_path, *FOUR, "extra.png", "more.png")
    (tmp_path / "labels.csv").write_text(
        "name,label\na.png,ant\nb.png,bee\nc.png,ant\nd.png,bee\nd2.png,bee\nshort\n,ant\n"
    )
    data = read(tmp_path)
    assert len(data) == 4
    assert why(data.left_out) == {
        "labels.csv line 7": "the row has 1 cells, the first one 2",
        "labels.csv line 6, 'd2.png'": "there is no such picture",
        "labels.csv line 8, ''": "there is no such picture",
        "extra.png": "no row of labels.csv names it, nor 1 other",
    }


def test_labels_of_several_people(tmp_path: Path) -> None:
    pictures(tmp_path, *FOUR, "e.png")
    votes = {"a": "ant ant bee", "b": "bee", "c": "ant ant", "d": "bee", "e": "ant bee"}
    rows = [f"{name},{label}" for name, labels in votes.items() for label in labels.split()]
    (tmp_path / "votes.csv").write_text("\n".join(["image,label", *rows]))
    data = read(tmp_path)
    assert dict(data.doubts) == {"a.png": "its labels differ (ant 2, bee 1)"}
    assert why(data.left_out) == {"e.png": "its labels differ, without a majority (ant 1, bee 1)"}
    assert labelled(tmp_path) == FOUR


def test_names_lead_nowhere(tmp_path: Path) -> None:
    """No cell is opened as a path, so that a table cannot name files outside of its folder."""
    (tmp_path / "secret.png").write_bytes(encoded(drawing()))
    folder = pictures(tmp_path / "set", *FOUR)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    rows = "a,ant\nb,bee\nc,ant\nd,bee\n../secret.png,ant\nlink.png,bee\n"
    (folder / "labels.csv").write_text(f"image,label\n{rows}{tmp_path}/secret.png,ant\n")
    data = read(folder)
    assert set(data.names) == set(FOUR)
    assert why(data.left_out)["link.png"].startswith("it is a link that leaves")


def test_a_table_whose_pictures_are_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label\nx/a.png,ant\nx/b.png,bee\n")
    with pytest.raises(BakeoffError, match=r"it names pictures \('x/a\.png'\), but most are"):
        read(tmp_path / "labels.csv")


def test_imagenet_txt(tmp_path: Path) -> None:
    """Datumaro's and CVAT's: images/, train.txt with numbers, synsets.txt with their names."""
    pictures(tmp_path / "images", *FOUR, "e f.png", "g.png")
    (tmp_path / "train.txt").write_text("a.png 0\nb.png 1\nc.png 0\nd.png 1\n")
    (tmp_path / "test.txt").write_text("e f.png 1\ng.png 0\n")
    (tmp_path / "synsets.txt").write_text("ant\nbee\n")
    data = read(tmp_path)
    assert data.classes == ("ant", "bee")
    assert data.official_test is not None
    assert data.official_test.sum() == 2


def test_parquet_that_names_pictures(tmp_path: Path) -> None:
    pictures(tmp_path / "train", *FOUR)
    columns = {"file_name": list(FOUR), "label": list(FOUR.values())}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "train" / "metadata.parquet")
    assert labelled(tmp_path / "train") == FOUR
    assert read(tmp_path).classes == ("ant", "bee")
