"""The second project's two models: a CNN of two pairs of convolutions, and a Vision Transformer.

bakeoff run mnist --approach second.py:SecondCNN --approach second.py:SecondViT --folds 0
"""

from torch import Tensor, cat, nn, randn, zeros


def pair(inputs: int, outputs: int) -> list[nn.Module]:
    """Two convolutions with batch norm, then half the size, and dropout."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return [*layers, nn.MaxPool2d(2), nn.Dropout(0.25)]


class SecondCNN(nn.Sequential):
    """Pairs of 16 and 32 filters, a dense layer with L1 and L2 (weight decay), and the classes."""

    bakeoff = {"size": 28, "title": "Second project: CNN", "training": {"weight_decay": 0.1}}

    def __init__(self, classes: int, channels: int, size: int) -> None:
        dense = nn.Linear(32 * (size // 4) ** 2, 128)
        dense.weight.register_hook(lambda gradient: gradient + 1e-5 * dense.weight.detach().sign())
        hidden = [nn.Flatten(), dense, nn.ReLU(), nn.Dropout(0.5)]
        super().__init__(*pair(channels, 16), *pair(16, 32), *hidden, nn.Linear(128, classes))


class SecondViT(nn.Module):
    """7×7 patches of 4×4 pixels, 6 layers of width 64 with 4 heads, and a class token."""

    bakeoff = {"size": 28, "title": "Second project: ViT", "training": {"learning_rate": 1e-3}}

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, 64, 4, stride=4)
        self.token = nn.Parameter(zeros(1, 1, 64))
        self.places = nn.Parameter(randn(1, 50, 64) * 0.02)
        self.layers = nn.Sequential(*(Layer() for _ in range(6)))
        self.head = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, classes))

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = cat([self.token.expand(x.shape[0], -1, -1), patches], 1) + self.places
        return self.head(self.layers(tokens)[:, 0])


class Layer(nn.Module):
    """Attention of 4 heads, then a hidden layer of 128, each with a residual connection."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attend = nn.LayerNorm(64), nn.MultiheadAttention(64, 4, batch_first=True)
        wide = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Dropout(0.1), nn.Linear(128, 64))
        self.think = nn.Sequential(nn.LayerNorm(64), wide)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        x = x + self.attend(normed, normed, normed, need_weights=False)[0]
        return x + self.think(x)
