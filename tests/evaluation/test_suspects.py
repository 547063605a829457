from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from bakeoff.evaluation.suspects import outliers, pooled, suspects

CLASSES = tuple("0123456789")


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    pixels, labels = load_digits(return_X_y=True)
    return pixels[:900] / 16, labels[:900].astype(np.int64)


def flipped(labels: NDArray[np.int64], share: float) -> tuple[NDArray[np.int64], set[int]]:
    rng = np.random.default_rng(0)
    rows = rng.choice(len(labels), round(share * len(labels)), replace=False)
    noisy = labels.copy()
    noisy[rows] = (noisy[rows] + rng.integers(1, 10, len(rows))) % 10
    return noisy, set(rows.tolist())


def out_of_fold(
    pixels: NDArray[np.float64], labels: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """What two models say that differ in what they see; both are about calibrated."""
    grids = pixels.reshape(-1, 8, 8)
    edges = [np.abs(np.diff(grids, axis=axis)).reshape(len(pixels), -1) for axis in (1, 2)]
    seen = {"pixels": (pixels, 1.0), "edges": (np.concatenate([pixels, *edges], axis=1), 0.3)}
    return {
        name: cross_val_predict(LogisticRegression(C=C), some, labels, method="predict_proba")
        for name, (some, C) in seen.items()
    }


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_flipped_labels_are_the_first_suspects(
    digits: tuple[NDArray[np.float64], NDArray[np.int64]], share: float
) -> None:
    pixels, truth = digits
    labels, problem = flipped(truth, share)
    names = [f"digit {row}" for row in range(900)]
    found = suspects(out_of_fold(pixels, labels), labels, CLASSES, names, np.arange(900))
    first = found[: len(problem)]
    hits = [one for one in first if one.index in problem]
    assert len(hits) >= 0.85 * len(problem)
    right = [one.proposed == CLASSES[truth[one.index]] for one in hits]
    assert np.mean(right) > 0.85
    assert [one.quality for one in found] == sorted(one.quality for one in found)
    for one in found:
        assert one.label == CLASSES[labels[one.index]] != one.proposed
        assert one.name == names[one.index]
    assert {"pixels", "edges"} == {name for one in found for name in one.agree}


def test_hardly_any_label_of_a_clean_set_is_suspect(
    digits: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    pixels, truth = digits
    said = out_of_fold(pixels, truth)
    assert len(suspects(said, truth, CLASSES, [""] * 900, np.arange(900))) < 9


def test_rows_refer_to_the_dataset() -> None:
    probabilities = np.full((40, 2), [0.99, 0.01])
    probabilities[20:] = probabilities[20:, ::-1]
    labels = np.repeat([0, 1], 20)
    labels[7] = 1
    names = [f"n{row}" for row in range(100)]
    (found,) = suspects({"a": probabilities}, labels, ("x", "y"), names, np.arange(40) + 50)
    assert (found.index, found.name, found.label, found.proposed) == (57, "n57", "y", "x")
    assert found.quality == pytest.approx(0.01)
    assert found.agree == ["a"]


def test_a_class_without_pictures_is_ignored() -> None:
    probabilities = np.full((20, 3), [0.6, 0.2, 0.2])
    labels = np.repeat([0, 2], 10)
    probabilities[10:] = [0.2, 0.2, 0.6]
    assert suspects({"a": probabilities}, labels, ("x", "y", "z"), [""] * 20, np.arange(20)) == []


def test_a_single_class_has_no_suspects() -> None:
    probabilities = np.full((20, 2), [0.001, 0.999])
    none = suspects({"a": probabilities}, np.zeros(20, int), ("x", "y"), [""] * 20, np.arange(20))
    assert none == []


def test_models_at_chance_find_no_suspects() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 0.05, (500, 10))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    found = suspects(
        {"a": probabilities}, rng.integers(0, 10, 500), CLASSES, [""] * 500, np.arange(500)
    )
    assert all(one.quality > 0.05 for one in found)


def test_pooled_is_a_geometric_mean() -> None:
    a, b = np.array([[0.8, 0.2]]), np.array([[0.2, 0.8]])
    assert pooled([a, b]) == pytest.approx(np.array([[0.5, 0.5]]))
    assert pooled([a, a]) == pytest.approx(a)
    assert pooled([np.array([[1.0, 0.0]]), b]).sum() == pytest.approx(1)


def test_an_outlier_is_far_for_every_approach() -> None:
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.normal(0, 0.2, (2, 500)))
    a[3] = b[3] = 4
    a[9] = 50
    assert outliers({"a": a, "b": b}).tolist() == [3]
    assert outliers({"a": a}).tolist() == [3, 9]
    assert outliers({"a": np.ones(500)}).tolist() == []
    assert outliers({"a": a[:99], "b": b[:99]}).tolist() == []
