from dataclasses import replace
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.errors import BakeoffError
from bakeoff.training.compute import Compute
from bakeoff.training.fit import TEMPERATURES, Budget, Epoch, Fitted, Training, fit, logits_of
from bakeoff.training.sources import FeatureSource

CPU = Compute("cpu", 1, False)
NOTHING = torch.arange(0)
QUICK = Training(epochs=8, batch_size=16, learning_rate=0.02, label_smoothing=0.0).resolve(60)


def blobs(count: int = 90, *, apart: float = 4.0, width: int = 6) -> tuple[FeatureSource, Tensor]:
    """Three clouds, a class each, in turn."""
    generator = torch.Generator().manual_seed(7)
    y = torch.arange(count) % 3
    centres = torch.eye(3, width) * apart
    x = centres[y] + torch.randn(count, width, generator=generator)
    return FeatureSource(x[None]), y


def network(width: int = 6, hidden: int = 16, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 3)
    )


def fitted(
    net: nn.Module | None = None,
    *,
    source: FeatureSource | None = None,
    labels: Tensor | None = None,
    train: Tensor | None = None,
    validation: Tensor | None = None,
    training: Training = QUICK,
    seed: int = 0,
    stop_after: int | None = None,
    seen: list[Epoch] | None = None,
) -> Fitted:
    default_source, default_labels = blobs()
    return fit(
        net or network(),
        source or default_source,
        default_labels if labels is None else labels,
        train=torch.arange(60) if train is None else train,
        validation=torch.arange(60, 75) if validation is None else validation,
        training=training,
        compute=CPU,
        seed=seed,
        stop_after=stop_after,
        on_epoch=(seen if seen is not None else []).append,
    )


def weights(outcome: Fitted) -> list[bytes]:
    return [value.numpy().tobytes() for value in outcome.network.state_dict().values()]


# -- resolve ---------------------------------------------------------------------


def test_small_sets_get_more_epochs_of_smaller_batches() -> None:
    sizes = [2, 30, 350, 5_000, 60_000, 10**7]
    resolved = [Training().resolve(size) for size in sizes]
    epochs = [one.epochs or 0 for one in resolved]
    batches = [one.batch_size or 0 for one in resolved]
    assert epochs == sorted(epochs, reverse=True)
    assert batches == sorted(batches)
    assert min(epochs) >= 3
    assert max(epochs) <= 200
    assert min(batches) >= 8
    assert max(batches) <= 256
    assert (epochs[2], batches[2]) == (60, 32)  # what the docstring promises
    assert (epochs[4], batches[4]) == (12, 256)


@pytest.mark.parametrize("pictures", [0, 1])
def test_tiny_sets_resolve(pictures: int) -> None:
    assert Training().resolve(pictures) == Training().resolve(2)


@pytest.mark.parametrize("pictures", [350, 5_000, 60_000])
def test_a_budget_is_a_number_of_epochs(pictures: int) -> None:
    quick, standard, thorough = (
        Training().resolve(pictures, budget).epochs or 0 for budget in get_args(Budget)
    )
    assert 3 <= quick < standard / 2
    assert thorough == pytest.approx(2.5 * standard, rel=0.05)


def test_explicit_settings_are_kept() -> None:
    said = Training(
        epochs=1234, batch_size=3, optimizer="muon", label_smoothing=0.0, mirror=True, patience=2
    )
    assert said.resolve(60_000, "thorough") == said


def test_unresolved_settings_fail_an_assertion() -> None:
    with pytest.raises(AssertionError, match="resolve"):
        fitted(training=Training())


# -- learning --------------------------------------------------------------------


def test_it_learns_separable_classes() -> None:
    source, labels = blobs()
    outcome = fitted()
    unseen = torch.arange(75, 90)
    logits = logits_of(outcome.network, source, unseen, CPU)
    assert logits.dtype == torch.float32
    assert (logits.argmax(1) == labels[unseen]).float().mean() > 0.9
    assert outcome.curve[-1].train_loss < outcome.curve[0].train_loss / 2
    assert outcome.curve[-1].train_accuracy > 0.9


def test_each_epoch_is_reported_as_it_ends() -> None:
    seen: list[Epoch] = []
    outcome = fitted(seen=seen)
    assert seen == outcome.curve
    assert [epoch.number for epoch in seen] == list(range(1, 9))
    assert {epoch.of for epoch in seen} == {8}
    assert all(epoch.seconds > 0 for epoch in seen)
    rates = [epoch.learning_rate for epoch in seen]
    assert rates[-1] < max(rates) / 100  # one cycle: up, then down to nearly nothing
    assert rates.index(max(rates)) < 4


def test_the_network_is_returned_on_the_cpu_in_eval_mode() -> None:
    outcome = fitted(network(dropout=0.5))
    assert not outcome.network.training
    assert {value.device.type for value in outcome.network.state_dict().values()} == {"cpu"}


def noisy() -> tuple[FeatureSource, Tensor, Training]:
    """Half of the labels are wrong and the network is large: late epochs learn noise by heart."""
    source, labels = blobs(360, apart=2.0)
    problem = torch.arange(0, 60, 2)
    labels[problem] = (labels[problem] + 1 + torch.arange(len(problem)) % 2) % 3
    return source, labels, replace(QUICK, epochs=25, weight_decay=0.0)


def test_the_last_epoch_that_is_not_clearly_worse_is_kept() -> None:
    source, labels, training = noisy()
    validation = torch.arange(60, 360)
    snapshots: list[list[bytes]] = []
    losses: list[Tensor] = []
    net = network(hidden=256)

    def look(epoch: Epoch) -> None:
        snapshots.append([value.numpy().tobytes() for value in net.state_dict().values()])
        logits = logits_of(net, source, validation, CPU)
        y = labels[validation]
        at = [F.cross_entropy(logits / t, y, reduction="none") for t in TEMPERATURES]
        losses.append(min(at, key=lambda some: float(some.mean())))
        assert epoch.validation_loss == pytest.approx(float(losses[-1].mean()))

    outcome = fit(
        net,
        source,
        labels,
        train=torch.arange(60),
        validation=validation,
        training=training,
        compute=CPU,
        seed=0,
        on_epoch=look,
    )
    within = []
    for number, some in enumerate(losses, 1):
        more = some - min(losses[:number], key=lambda some: float(some.mean()))
        if number == 1 or more.mean() <= 2 * more.std(correction=0) / len(more) ** 0.5:
            within.append(number)
    assert outcome.best_epoch == within[-1]
    assert 1 <= outcome.best_epoch < len(outcome.curve)
    assert weights(outcome) == snapshots[outcome.best_epoch - 1]
    assert weights(outcome) != snapshots[-1]
    assert outcome.unseen_logits is not None
    assert torch.equal(outcome.unseen_logits, logits_of(outcome.network, source, validation, CPU))
    right = (outcome.unseen_logits.argmax(1) == labels[validation]).float().mean()
    assert outcome.curve[outcome.best_epoch - 1].validation_accuracy == pytest.approx(float(right))


def test_patience_stops_without_improvement() -> None:
    source, labels, training = noisy()
    outcome = fitted(
        network(hidden=256),
        source=source,
        labels=labels,
        validation=torch.arange(60, 360),
        training=replace(training, patience=3),
    )
    losses = [epoch.validation_loss or 0.0 for epoch in outcome.curve]
    assert len(losses) == losses.index(min(losses)) + 1 + 3
    assert len(outcome.curve) < 25
    whole = fitted(
        network(hidden=256),
        source=source,
        labels=labels,
        validation=torch.arange(60, 360),
        training=training,
    )
    assert weights(outcome) == weights(whole) or whole.best_epoch > outcome.best_epoch


def test_stop_after_ends_early_in_the_same_schedule() -> None:
    whole = fitted(validation=NOTHING)
    short = fitted(validation=NOTHING, stop_after=3)
    assert len(short.curve) == short.best_epoch == 3
    assert {epoch.of for epoch in short.curve} == {3}
    for a, b in zip(short.curve, whole.curve, strict=False):
        assert (a.learning_rate, a.train_loss) == (b.learning_rate, b.train_loss)


def test_stop_after_never_adds_epochs() -> None:
    assert len(fitted(stop_after=100).curve) == 8


def test_without_validation_the_last_epoch_is_kept() -> None:
    outcome = fitted(validation=NOTHING, training=replace(QUICK, patience=1))
    assert outcome.best_epoch == len(outcome.curve) == 8
    assert outcome.unseen_logits is None
    assert outcome.curve[-1].validation_loss is None
    assert outcome.curve[-1].validation_accuracy is None


@pytest.mark.parametrize(("train", "batch_size"), [(1, 8), (2, 1), (3, 1), (9, 2)])
def test_batch_norm_never_gets_a_single_picture(train: int, batch_size: int) -> None:
    net = nn.Sequential(nn.BatchNorm1d(6), network())
    training = replace(QUICK, batch_size=batch_size, epochs=2)
    outcome = fitted(net, train=torch.arange(train), training=training)
    assert 0 <= outcome.curve[-1].train_accuracy <= 1
    assert all(bool(value.isfinite().all()) for value in outcome.network.state_dict().values())


def test_a_loss_that_is_not_finite_ends_with_a_hint() -> None:
    with pytest.raises(BakeoffError, match=r"learning_rate=1e\+30: the loss is not"):
        fitted(training=replace(QUICK, learning_rate=1e30, weight_decay=0.0))


# -- the same again --------------------------------------------------------------


def test_a_seed_gives_the_same_bytes() -> None:
    one, same, other = (fitted(network(dropout=0.3), seed=seed) for seed in (1, 1, 2))
    assert weights(one) == weights(same)
    assert weights(one) != weights(other)


def test_earlier_random_numbers_do_not_matter() -> None:
    one = fitted(network(dropout=0.3))
    net = network(dropout=0.3)
    torch.rand(100)
    assert weights(fitted(net)) == weights(one)


def test_rows_outside_training_and_validation_do_not_matter() -> None:
    source, labels = blobs()
    clean = fitted(source=source, labels=labels)
    poisoned_labels = labels.clone()
    poisoned_labels[75:] = (poisoned_labels[75:] + 1) % 3
    poisoned_features = source.features.clone()
    poisoned_features[:, 75:] = 1e6
    poisoned = fitted(source=FeatureSource(poisoned_features), labels=poisoned_labels)
    assert weights(poisoned) == weights(clean)
    assert [replace(e, seconds=0) for e in poisoned.curve] == [
        replace(e, seconds=0) for e in clean.curve
    ]


def test_validation_rows_are_not_trained_on() -> None:
    source, labels = blobs()
    poisoned = labels.clone()
    poisoned[60:75] = (poisoned[60:75] + 1) % 3
    clean, other = (
        fitted(source=source, labels=some, validation=torch.arange(60, 75))
        for some in (labels, poisoned)
    )
    assert [e.train_loss for e in clean.curve] == [e.train_loss for e in other.curve]
    assert [e.validation_loss for e in clean.curve] != [e.validation_loss for e in other.curve]


# -- rates -----------------------------------------------------------------------


def linear(net: nn.Sequential, layer: int) -> nn.Linear:
    found = net[layer]
    assert isinstance(found, nn.Linear)
    return found


def moved(net: nn.Sequential) -> tuple[float, float]:
    """How far the first and the last layer go from where they start."""
    before = [linear(net, layer).weight.detach().clone() for layer in (0, 3)]
    fitted(net, validation=NOTHING, training=replace(QUICK, weight_decay=0.0, epochs=3))
    first, last = (
        float((linear(net, layer).weight.detach() - old).norm())
        for layer, old in zip((0, 3), before, strict=True)
    )
    return first, last


def test_rate_scale_is_a_share_of_the_learning_rate() -> None:
    usual, _ = moved(network())
    slow = network()
    for parameter in slow[0].parameters():
        parameter.rate_scale = 0.01  # type: ignore[attr-defined]
    first, last = moved(slow)
    assert 0 < first < usual / 20
    assert last > usual / 20


def test_parameters_without_gradient_stay() -> None:
    net = network()
    net[0].requires_grad_(False)
    first, last = moved(net)
    assert first == 0
    assert last > 0


def test_weight_decay_shrinks_matrices_and_spares_biases() -> None:
    nothing_to_see = FeatureSource(torch.zeros(1, 90, 6))

    def after(decay: float) -> nn.Linear:
        net = nn.Linear(6, 3)
        nn.init.ones_(net.weight)
        nn.init.ones_(net.bias)
        fitted(
            net,
            source=nothing_to_see,
            validation=NOTHING,
            training=replace(QUICK, weight_decay=decay),
        )
        return net

    plain, decayed = after(0.0), after(2.0)
    assert torch.equal(plain.weight, torch.ones(3, 6))
    assert (decayed.weight < 0.9).all()
    assert torch.equal(plain.bias, decayed.bias)


def test_pictures_train_in_bf16_and_are_scored_in_float32() -> None:
    source, labels = blobs()
    outcome = fit(
        network(),
        source,
        labels,
        train=torch.arange(60),
        validation=torch.arange(60, 75),
        training=QUICK,
        compute=Compute("cpu", 1, True),
        seed=0,
    )
    assert outcome.unseen_logits is not None
    assert outcome.unseen_logits.dtype == torch.float32
    assert {value.dtype for value in outcome.network.state_dict().values()} == {torch.float32}
    assert outcome.curve[-1].train_accuracy > 0.9
