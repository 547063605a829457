"""The CNN of many a Keras tutorial on MNIST: two pairs of conv layers, pooling, dropout, Adam.

    python keras_cnn.py MNIST SEED EPOCHS

Prints a line of JSON an epoch: seconds of training so far, and test accuracy and loss. Scoring is
not counted. Stops at the first epoch that has 99.40 % of the test pictures right.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import layers

WANTED = 0.994


def read(folder: Path, name: str, skip: int) -> np.ndarray:
    return np.frombuffer(gzip.open(folder / f"{name}-ubyte.gz").read()[skip:], dtype=np.uint8)


def main() -> None:
    folder, seed, epochs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    keras.utils.set_random_seed(seed)
    x, test_x = (
        read(folder, f"{part}-images-idx3", 16).reshape(-1, 28, 28, 1).astype(np.float32) / 255
        for part in ("train", "t10k")
    )
    y, test_y = (read(folder, f"{part}-labels-idx1", 8) for part in ("train", "t10k"))
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    seconds = 0.0
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        model.fit(x, y, batch_size=128, epochs=1, verbose=0)
        seconds += time.perf_counter() - started
        loss, accuracy = model.evaluate(test_x, test_y, batch_size=512, verbose=0)
        said = {"epoch": epoch, "seconds": seconds, "accuracy": accuracy, "loss": loss}
        print(json.dumps(said), flush=True)
        if accuracy >= WANTED:
            break


if __name__ == "__main__":
    main()
