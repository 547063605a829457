"""What people would use instead of bakeoff, through its door for models of one's own.

bakeoff run SET --approach usual.py:hog_svm --approach usual.py:PlainCNN
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn

hog_svm = make_pipeline(StandardScaler(), SVC(C=10))
hog_svm.bakeoff = {"title": "HOG + SVM (scikit-learn)", "features": "baseline"}

pixels_svm = make_pipeline(StandardScaler(), SVC(C=10))
pixels_svm.bakeoff = {"title": "Pixels + SVM (scikit-learn)", "features": "pixels"}


class PlainCNN(nn.Sequential):
    """The CNN of most tutorials: three convolutions with pooling, and a dense layer."""

    bakeoff: ClassVar = {"title": "Plain CNN (PyTorch)"}

    def __init__(self, classes: int, channels: int, size: int) -> None:
        layers: list[nn.Module] = []
        for filters in (32, 64, 128):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            channels = filters
        dense = nn.Linear(128 * (size // 8) ** 2, 128)
        super().__init__(
            *layers, nn.Flatten(), dense, nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, classes)
        )

    def fit(self, pictures: Tensor, labels: Tensor, seed: int) -> None:
        """Thirty epochs of Adam, as tutorials do: no augmentation, no schedule."""
        torch.manual_seed(seed)
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)
        self.train()
        for _ in range(30):
            for rows in torch.randperm(len(pictures)).split(32):
                optimizer.zero_grad()
                F.cross_entropy(self(pictures[rows]), labels[rows]).backward()
                optimizer.step()
