"""bakeoff's own ViT as one would write it in Keras: `MultiHeadAttention`, float32.

    python keras_vit.py IMAGES SECONDS

IMAGES is an npz of x, N×28×28×1 in 0…1, and y. Waits for a line on standard input before each
epoch and answers with its seconds, so that a benchmark can take turns.
"""

from __future__ import annotations

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import layers, ops

WIDTH, HEADS, LAYERS, BATCH = 64, 2, 3, 256


class Places(layers.Layer):
    """Adds a learned vector to each token."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.places = self.add_weight(shape=(1, *shape[1:]), initializer="random_normal")

    def call(self, x: object) -> object:
        return x + self.places


def vit() -> keras.Model:
    x = inputs = layers.Input((28, 28, 1))
    for width, halves in ((32, True), (48, False), (WIDTH, True), (WIDTH, False)):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(3, 2, padding="same")(x) if halves else x
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(WIDTH, 1)(x)
    x = Places()(layers.Reshape((49, WIDTH))(x))
    for _ in range(LAYERS):
        normed = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(normed, normed)
        normed = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="gelu")(normed))
    x = layers.LayerNormalization(epsilon=1e-5)(ops.mean(x, axis=1))
    return keras.Model(inputs, layers.Dense(10)(x))


def main() -> None:
    data = np.load(sys.argv[1])
    x, y = data["x"], data["y"]
    model = vit()
    model.compile(
        keras.optimizers.AdamW(2e-3, weight_decay=0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    print(model.count_params(), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
