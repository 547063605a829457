"""bakeoff's own ViT as one would write it in PyTorch: `TransformerEncoderLayer`, eager, float32.

    python torch_vit.py IMAGES

IMAGES is an npz of x, N×28×28×1 in 0…1, and y. Waits for a line on standard input before each
epoch and answers with its seconds, so that a benchmark can take turns.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

WIDTH, HEADS, LAYERS, BATCH = 64, 2, 3, 256


class ViT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        stem: list[nn.Module] = []
        channels = 1
        for width, halves in ((32, True), (48, False), (WIDTH, True), (WIDTH, False)):
            stem.append(nn.Conv2d(channels, width, 3, padding=1, bias=False))
            stem += [nn.MaxPool2d(3, 2, 1)] if halves else []
            stem += [nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.stem = nn.Sequential(*stem, nn.Conv2d(channels, WIDTH, 1))
        self.places = nn.Parameter(torch.randn(1, 49, WIDTH) * 0.02)
        block = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 2 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, LAYERS, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 10))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.stem(x).flatten(2).transpose(1, 2) + self.places
        logits: Tensor = self.head(self.blocks(tokens).mean(1))
        return logits


def main() -> None:
    data = np.load(sys.argv[1])
    x = torch.from_numpy(data["x"]).permute(0, 3, 1, 2).contiguous()
    loader = DataLoader(
        TensorDataset(x, torch.from_numpy(data["y"])), batch_size=BATCH, shuffle=True
    )
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.05)
    print(sum(parameter.numel() for parameter in model.parameters()), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for images, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
