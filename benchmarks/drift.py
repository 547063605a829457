"""The drift alarm: how often it is false, and how soon it notices another kind of picture.

    python benchmarks/drift.py MNIST DRAWINGS CLOTHING KEEP > benchmarks/drift.txt

MNIST is a folder with the four IDX files, DRAWINGS and CLOTHING are folders of drawings and of
photos by class, KEEP is one for the runs: finished ones there are not trained again. Every run
draws some of MNIST's first 40 000 training pictures, or half of the photos, trains one approach
with the quick budget and makes its bundle, which answers pictures that it never saw: the 10 000
digits after these, or the other photos. All OOD scores are real; a stream is a random order of
them, or for digits also the order of MNIST, which is by writer. The alarm that looks at it is the
one that serves. The last part sends the 10 000 digits, one a request, to a server.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import httpx
import numpy as np
from measure import hardware
from numpy.typing import NDArray

from bakeoff import bake, read
from bakeoff.bundle.bundle import Bundle, load
from bakeoff.bundle.drift import FALSE_ALARMS, Drift
from bakeoff.data.dataset import Dataset
from bakeoff.data.image import to_png
from bakeoff.data.pictures import Pictures
from bakeoff.evaluation.intervals import wilson
from bakeoff.training.eye import redrawn

STREAMS = 200
LONG = 10_000
TRAINED_FROM, UNSEEN = 40_000, 10_000
AFTER = (0, 1_000, 9_000)  # pictures of the usual kind before others come
PATIENCE = 2_000  # others at most
ORDERS = 20  # streams of others
PORT = 8767

Scores = NDArray[np.float32]


def main() -> None:
    """Print all parts."""
    mnist, drawings, clothing, keep = (Path(one).resolve() for one in sys.argv[1:5])
    keep.mkdir(parents=True, exist_ok=True)
    print(hardware(), flush=True)
    digits = read(mnist)
    print(f"\nfalse alarms: {STREAMS} streams for each run; at most {FALSE_ALARMS:.0%} expected")
    bundles: list[tuple[Bundle, Scores]] = []
    for number, pictures in enumerate((100, 300, 1_000)):
        rows = np.random.default_rng(number).choice(TRAINED_FROM, pictures, replace=False)
        bundle = _trained(digits.take(np.sort(rows)), keep / f"digits {number}", "scattering")
        unseen = digits.pictures.take(np.arange(TRAINED_FROM, TRAINED_FROM + UNSEEN))
        bundles.append((bundle, _scores(bundle, unseen)))
        drift = Drift(bundle.manifest.held_out_scores)
        highest = 0.0
        for score in bundles[-1][1].tolist():
            drift.add([score])
            highest = max(highest, drift.evidence)
        print(f"{pictures:>7} digits: in MNIST's order the evidence is {highest:.2f} at most")
        _false_alarms(f"{pictures} digits", *bundles[-1], LONG)
    photos = read(clothing)
    halves = np.array_split(np.random.default_rng(0).permutation(len(photos)), 2)
    bundle = _trained(photos.take(np.sort(halves[0])), keep / "photos", "transfer")
    others = _scores(bundle, photos.pictures.take(np.sort(halves[1])))
    _false_alarms(f"{len(halves[0])} photos", bundle, others, len(others))
    bundle, usual = bundles[2]
    _noticed(bundle, usual, _kinds(bundle, digits, read(drawings), photos))
    _served(keep / "digits 2", digits.pictures)


def _trained(dataset: Dataset, path: Path, approach: str) -> Bundle:
    if not (path / "results.json").exists():
        bake(dataset, path, approaches=(approach,), budget="quick", threads=1, robustness=False)
    return load(path, threads=1)


def _scores(bundle: Bundle, pictures: Pictures) -> Scores:
    scores = np.empty(len(pictures), np.float32)
    for rows, (_, ood_scores, _) in bundle.run_all(pictures):
        scores[rows] = ood_scores
    return scores


def _false_alarms(name: str, bundle: Bundle, scores: Scores, length: int) -> None:
    held_out = bundle.manifest.held_out_scores
    started, raised = time.perf_counter(), 0
    for seed in range(STREAMS):
        drift = Drift(held_out, seed)
        drift.add(np.random.default_rng(seed).permutation(scores)[:length].tolist())
        raised += drift.alarm
    low, high = wilson(raised, STREAMS)
    micro = (time.perf_counter() - started) / STREAMS / length * 1e6
    print(
        f"{name:>14}: {raised} of {STREAMS} streams of {length} ({raised / STREAMS:.1%}; 95 % "
        f"interval {low:.1%} to {high:.1%}); {len(held_out)} held-out scores, {micro:.0f} us a "
        "picture",
        flush=True,
    )


def _kinds(
    bundle: Bundle, digits: Dataset, drawings: Dataset, photos: Dataset
) -> dict[str, Scores]:
    some = digits.pictures.take(np.arange(TRAINED_FROM, TRAINED_FROM + PATIENCE))
    pens = redrawn(some, ("thin", "very thick"))
    turned = Pictures.from_array(np.stack([np.rot90(picture) for picture in some]))
    rng = np.random.default_rng(0)
    noise = Pictures.from_array(rng.integers(0, 256, (PATIENCE, 28, 28), dtype=np.uint8))
    return {
        "drawings of ten things": _scores(bundle, drawings.pictures),
        "photos of clothes": _scores(bundle, photos.pictures),
        "noise": _scores(bundle, noise),
        "digits on their side": _scores(bundle, turned),
        "digits, very thick pen": _scores(bundle, pens[1]),
        "digits, thin pen": _scores(bundle, pens[0]),
    }


def _noticed(bundle: Bundle, usual: Scores, kinds: dict[str, Scores]) -> None:
    print(f"\npictures of another kind until the alarm; 1 000 digits, median of {ORDERS} orders")
    heads = "".join(f"{f'after {after}':>20}" for after in AFTER)
    print(f"{'':>28}{heads}{'one in five, after 1000':>26}")
    for name, scores in kinds.items():
        cells = [_until(bundle, usual, scores, after, 1.0) for after in AFTER]
        mixed = _until(bundle, usual, scores, 1_000, 0.2)
        print(f"{name:>28}{''.join(f'{cell:>20}' for cell in cells)}{mixed:>26}", flush=True)


def _until(bundle: Bundle, usual: Scores, scores: Scores, after: int, share: float) -> str:
    """How many pictures come from the change to the alarm, of which a share are others."""
    waited: list[float] = []
    early = 0
    for seed in range(ORDERS):
        rng = np.random.default_rng(seed)
        first = rng.permutation(usual)
        drift = Drift(bundle.manifest.held_out_scores, seed)
        drift.add(first[:after].tolist())
        if drift.alarm:
            early += 1
            continue
        odd = rng.permutation(scores)[:PATIENCE]
        later = first[after:]
        if share < 1:
            odd = np.concatenate([odd, later[: round(len(odd) * (1 / share - 1))]])
            odd = rng.permutation(odd)
        drift.add(odd.tolist())
        waited.append(
            float("inf") if drift.alarm_after is None else float(drift.alarm_after - after)
        )
    middle = median(waited)
    missed = sum(map(np.isinf, waited))
    words = "never" if np.isinf(middle) else f"{middle:g}"
    words += f" (missed {missed})" if 0 < missed < len(waited) and not np.isinf(middle) else ""
    return words + (f" (early {early})" if early else "")


def _served(run: Path, pictures: Pictures) -> None:
    command = [sys.executable, "-m", "bakeoff", "serve", str(run), "--port", str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _sent(pictures)
        finally:
            server.terminate()


def _sent(pictures: Pictures) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as client:
        while not _answers(client):
            time.sleep(0.5)
        print(
            f"\na server of 1 000 digits: {LONG} requests with a digit each, then 100 of them on "
            "their side"
        )
        _send(client, [pictures[row] for row in range(TRAINED_FROM, TRAINED_FROM + LONG)])
        print(_said(client))
        _send(client, [np.rot90(pictures[row]) for row in range(TRAINED_FROM, TRAINED_FROM + 100)])
        print(_said(client))


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def _send(client: httpx.Client, pictures: Sequence[NDArray[np.uint8]]) -> None:
    for picture in pictures:
        client.post("/api/predict", content=to_png(np.ascontiguousarray(picture)))


def _said(client: httpx.Client) -> str:
    lines = client.get("/metrics").text.splitlines()
    return "\n".join(line for line in lines if line.startswith("bakeoff_drift"))


if __name__ == "__main__":
    main()
