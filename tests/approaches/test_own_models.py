"""Users' models that are no torch networks: estimators, and trained models that are only scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load, save

from bakeoff.approaches import Approach
from bakeoff.approaches.own import own_file
from bakeoff.approaches.own_estimator import EstimatorBody, OwnEstimator
from bakeoff.approaches.own_graph import GraphFile, OwnGraph
from bakeoff.approaches.sklearn_graph import converted, scores_of
from bakeoff.bundle.graph import check_graph
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.workers.trial import try_own

from ..strokes import CLASSES, strokes
from .tasks import task

MODELS = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

forest = RandomForestClassifier(5)
forest.bakeoff = {"size": 8, "title": "A forest"}

def ridge(classes, channels, size):
    assert classes == 3 or size == 32
    return make_pipeline(StandardScaler(), LogisticRegression())
ridge.bakeoff = {"features": "baseline", "views": 1}

class Neighbours(KNeighborsClassifier):
    bakeoff = {"size": 8}

line = LinearRegression()
linear = LinearSVC()
linear.bakeoff = {"scaling": "bytes"}

class Broken(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        raise ValueError("no")
    def predict(self, x): return x
    def predict_proba(self, x): return x

class Undecided(Broken):
    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self
    def predict_proba(self, x): return np.full((len(x), 3), np.nan)

class TooWide(Undecided):
    def predict_proba(self, x): return np.ones((len(x), 9)) / 9

strange = LogisticRegression()
strange.bakeoff = {"features": "cnn"}
unknown = LogisticRegression()
unknown.bakeoff = {"features": "edges"}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with estimators of every kind."""
    path = tmp_path_factory.mktemp("models") / "models.py"
    path.write_text(MODELS)
    return path


def tried(text: str, classes: tuple[str, ...] = CLASSES, of: int = 60) -> Approach:
    """An own model after the trial that a run begins with."""
    (approach,) = RunConfig.parse(source="x", approaches=(text,)).approaches
    approach = approach.knowing(classes=classes, fingerprint="of strokes")
    pictures = strokes(6).pictures.take(np.arange(4))
    try_own(approach, task(classes=3, side=12, pictures=of), pictures, exported=False)
    return approach.build()


def test_an_estimator_becomes_an_approach(models: Path) -> None:
    forest = tried(f"{models}:forest")
    assert isinstance(forest, OwnEstimator)
    assert (forest.name, forest.title, forest.side) == ("forest", "A forest", 8)
    assert forest.make(task(classes=3), seed=7).random_state == 7
    ridge = tried(f"{models}:ridge")
    assert isinstance(ridge, OwnEstimator)
    assert (ridge.features, ridge.views) == ("baseline", 1)
    assert type(ridge.frozen(task(side=12))).__name__ == "HOG"
    tried(f"{models}:Neighbours")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Broken", r"approach broken: its fit fails for 36 pictures .* \(ValueError: no\)"),
        ("Undecided", r"approach undecided: it answers \[\[nan"),
        ("TooWide", r"approach toowide: it answers \[\[0.1.* for one picture of 3 classes"),
        ("line", r"approach line: line is not a model"),
        ("linear", "scaling is for other kinds of models"),
        ("strange", "strange.features=cnn: has no features that are made once"),
        ("unknown", "unknown.features=edges: is neither pixels nor an approach"),
    ],
)
def test_a_bad_estimator_is_refused_before_anything_trains(
    models: Path, name: str, words: str
) -> None:
    with pytest.raises(BakeoffError, match=words):
        tried(f"{models}:{name}", of=60_000)  # too many for wavelets


def example(classes: int = 3, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Features that separate the classes, but for some."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % classes
    x = rng.normal(size=(count, 6)).astype(np.float32)
    x[:, 0] += 3 * y
    return x, y


ESTIMATORS = (
    "linear_model.LogisticRegression()",
    "linear_model.RidgeClassifier()",  # has no probabilities
    "svm.LinearSVC()",
    "svm.SVC()",
    "ensemble.RandomForestClassifier(3)",
    "ensemble.GradientBoostingClassifier(n_estimators=2)",
    "tree.DecisionTreeClassifier()",
    "neural_network.MLPClassifier((4,), max_iter=5)",
    "naive_bayes.GaussianNB()",
    "ensemble.HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)",
    "pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(), sklearn.svm.SVC())",
    "pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(), sklearn.svm.LinearSVC())",
)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("text", ESTIMATORS)
def test_a_body_answers_as_its_estimator_and_is_stored(text: str, classes: int) -> None:
    import sklearn.ensemble
    import sklearn.naive_bayes
    import sklearn.neural_network
    import sklearn.pipeline
    import sklearn.preprocessing
    import sklearn.svm
    import sklearn.tree

    x, y = example(classes)
    body = EstimatorBody(lambda _: eval(f"sklearn.{text}", {"sklearn": sklearn}), 4)
    body.learn(x, y, seed=0)
    estimator = eval(f"sklearn.{text}", {"sklearn": sklearn}).fit(x, y)
    scores, shares = scores_of(estimator, x)
    logits = body(torch.from_numpy(x)).numpy()
    assert logits.shape == (60, 4)
    assert logits[:, classes:].max() < -16  # classes that it has not seen
    if "Forest" not in text and "MLP" not in text and "Gradient" not in text:  # else chance
        expected = np.log(np.maximum(scores, 1e-7)) if shares else scores
        np.testing.assert_allclose(logits[:, :classes], expected, atol=2e-3)
    again = EstimatorBody(body.make, 4)
    again.load_state_dict(load(save(body.state_dict())))
    assert torch.equal(again(torch.from_numpy(x)), body(torch.from_numpy(x)))
    assert again.without_graph == body.without_graph == ""
    assert again.learned > 0


def test_an_estimator_without_a_graph_is_stored_without_pickle(models: Path) -> None:
    approach = tried(f"{models}:Neighbours")
    assert isinstance(approach, OwnEstimator)
    x, y = example()
    body = EstimatorBody(lambda seed: approach.make(task(classes=3), seed), 3)
    body.learn(x, y, seed=0)
    assert "cannot be converted to ONNX" in body.without_graph
    again = EstimatorBody(body.make, 3)
    again.load_state_dict(load(save(body.state_dict())))
    assert torch.equal(again(torch.from_numpy(x)), body(torch.from_numpy(x)))
    assert again.without_graph == body.without_graph


def test_a_graph_that_answers_otherwise_is_not_used() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    x, y = example(2)
    estimator = LinearDiscriminantAnalysis().fit(x, y)
    with pytest.raises(Exception, match="differs from it by"):  # skl2onnx 1.20, two classes
        converted(estimator, x, 2)


def test_pictures_can_weigh_more_than_others(models: Path) -> None:
    x, y = example()
    approach = tried(f"{models}:ridge")
    assert isinstance(approach, OwnEstimator)
    body = EstimatorBody(lambda seed: approach.make(task(classes=3), seed), 3)
    weights = np.where(y == 0, 1e-6, 1).astype(np.float32)
    body.learn(x, y, seed=0, weights=weights)
    assert (body(torch.from_numpy(x)).argmax(1) == 0).sum() == 0
    neighbours = EstimatorBody(lambda _: tried_neighbours(models), 3)
    with pytest.raises(BakeoffError, match="its fit takes no sample_weight"):
        neighbours.learn(x, y, seed=0, weights=weights)


def tried_neighbours(models: Path) -> object:
    """A fresh estimator that knows no weights."""
    approach = tried(f"{models}:Neighbours")
    assert isinstance(approach, OwnEstimator)
    return approach.make(task(classes=3), 0)


def linear_graph(
    path: Path,
    shape: tuple[str | int, ...] = ("N", 1, 12, 12),
    *,
    width: int = 3,
    kind: int = TensorProto.FLOAT,
    softmax: bool = True,
    names: str = "",
) -> Path:
    """An ONNX file: class `k` of `width` for the brightest of `width` parts of the picture."""
    numbers = int(np.prod([size for size in shape if isinstance(size, int)]))
    matrix = np.zeros((numbers, width), np.float32)
    matrix[np.arange(numbers), np.arange(numbers) * width // numbers] = 0.1
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["f"], ["flat"]),
        helper.make_node("MatMul", ["flat", "m"], ["logits"]),
    ]
    nodes += [helper.make_node("Softmax", ["logits"], ["p"])] if softmax else []
    output = helper.make_tensor_value_info("p" if softmax else "logits", 1, ["N", width])
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", kind, shape)],
        [output],
        [numpy_helper.from_array(matrix, "m")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    if names:
        helper.set_model_props(model, {"names": names})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (("N", 1, 12, 12), TensorProto.FLOAT),
        (("N", 12, 12, 1), TensorProto.FLOAT),
        (("N", 12, 12, 3), TensorProto.UINT8),
        (("N", 144), TensorProto.FLOAT),
        (("N", 3, 12, 12), TensorProto.DOUBLE),
        (("N", 1, 12, 12), TensorProto.FLOAT16),
    ],
)
@pytest.mark.parametrize("softmax", [True, False])
def test_a_trained_graph_is_asked_as_it_is(
    tmp_path: Path, shape: tuple[str | int, ...], kind: int, softmax: bool
) -> None:
    path = linear_graph(tmp_path / "other.onnx", shape, kind=kind, softmax=softmax)
    other = tried(str(path))
    assert isinstance(other, OwnGraph)
    assert (other.name, other.title, other.fixed) == ("other", "other", True)
    network = other.build(task(classes=3, side=12))
    picture = torch.zeros(1, 1, 12, 12)
    picture[:, :, 8:] = 1
    answers = torch.softmax(network(picture), 1)
    scale = 255 if kind == TensorProto.UINT8 else 1
    ones = 48 * (3 if 3 in shape else 1) * 0.1 * scale
    expected = torch.softmax(torch.tensor([0.0, 0.0, ones]), 0)
    if shape == ("N", 3, 12, 12):  # whose thirds are its channels, all the same
        assert torch.allclose(answers[0], torch.full((3,), 1 / 3))
    else:
        assert torch.allclose(answers[0], expected, atol=2e-3)
    assert set(network.state_dict()) & {"body.graph"} == set()  # it is a file already


def test_the_classes_of_a_graph_are_found_by_name(tmp_path: Path) -> None:
    names = "{0: 'box', 1: 'bar', 2: 'dash'}"  # as Ultralytics writes them
    other = tried(str(linear_graph(tmp_path / "named.onnx", names=names)))
    assert isinstance(other, OwnGraph)
    picture = torch.zeros(1, 1, 12, 12)
    picture[:, :, :4] = 1  # its class 0
    answer = int(other.build(task(classes=3, side=12))(picture).argmax())
    assert CLASSES[answer] == "box"
    assert "not known" in other.pretrained(task())
    seen = type(
        "Seen", (type(other),), {"fingerprint": "a", "source": GraphFile("x", b"", (), "a")}
    )
    assert "these very pictures" in seen().pretrained(task())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"width": 4}, "answers 4 numbers for a picture of 3 classes"),
        ({"names": "['a', 'bar', 'box']"}, "knows the classes a, bar, box. The pictures have bar"),
        ({"shape": ("N", 2, 12, 12)}, r"takes tensor\(float\) of \['N', 2, 12, 12\], which is not"),
        ({"kind": TensorProto.INT32}, r"takes tensor\(int32\)"),
        ({"shape": (1, 1, 12, 12)}, r"fails for an input of \(2, 1, 12, 12\)"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(
    tmp_path: Path, how: dict[str, object], words: str
) -> None:
    path = linear_graph(tmp_path / "other.onnx", **how)  # type: ignore[arg-type]
    with pytest.raises(BakeoffError, match=words):
        tried(str(path))


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"hello")
    (tmp_path / "empty.bakeoff").write_bytes(b"hello")
    for name in ("empty.onnx", "empty.bakeoff"):
        with pytest.raises(BakeoffError, match=r"empty\."):
            tried(str(tmp_path / name))
    with pytest.raises(BakeoffError, match="there is no such file"):
        own_file(str(tmp_path / "none.bakeoff"))


def test_forests_and_machines_pass_the_checks_of_a_bundle() -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["pixels"], ["f"], to=1),
            helper.make_node("ReduceMean", ["f"], ["means"], axes=[1, 2], keepdims=0),
            helper.make_node(
                "Imputer", ["means"], ["x"], domain="ai.onnx.ml", imputed_value_floats=[0.0]
            ),
            helper.make_node(
                "LinearClassifier",
                ["x"],
                ["", "probabilities"],
                domain="ai.onnx.ml",
                coefficients=[1.0] * 9,
                classlabels_ints=[0, 1, 2],
            ),
            helper.make_node("ReduceSum", ["x"], ["ood_score"], keepdims=0),
            helper.make_node("Identity", ["x"], ["embedding"]),
            helper.make_node("Identity", ["x"], ["prepared"]),
        ],
        "g",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", "H", "W", 3])],
        [
            helper.make_tensor_value_info(name, 1, None)
            for name in ("probabilities", "ood_score", "embedding", "prepared")
        ],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets)
    check_graph(model.SerializeToString(), "forest")
    graph.node[3].op_type = "Unknown"
    with pytest.raises(BakeoffError, match=r"uses the operator ai\.onnx\.ml\.Unknown"):
        check_graph(helper.make_model(graph, opset_imports=opsets).SerializeToString(), "forest")


def test_pictures_of_any_kind_are_prepared_for_a_graph(tmp_path: Path) -> None:
    other = tried(str(linear_graph(tmp_path / "flat.onnx", ("N", 144))))
    prepared = other.preprocess(task(classes=3, side=40))
    pictures = Pictures.from_array(np.zeros((1, 40, 30, 3), np.uint8))
    assert prepared(torch.from_numpy(pictures[0][None])).shape == (1, 1, 12, 12)
