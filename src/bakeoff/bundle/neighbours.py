"""Training pictures shipped with a bundle, to show the ones most similar to a new picture.

Everybody who has the bundle can see them, so a bundle contains them only on request.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

__all__ = ["FILE", "MOST", "Neighbour", "Neighbours"]

FILE = "neighbours.safetensors"
MOST = 2000  # pictures: enough to find similar ones, in a few megabytes


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training picture similar to a new one.

    Attributes
    ----------
    label : its class.
    likeness : cosine similarity of the two embeddings; 1 for the same direction.
    picture : its thumbnail, PNG or JPEG.
    """

    label: str
    likeness: float
    picture: bytes

    @property
    def uri(self) -> str:
        """The thumbnail as a data URI."""
        kind = "png" if self.picture.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{b64encode(self.picture).decode()}"


class Neighbours:
    """Up to `MOST` training pictures with their embeddings.

    Parameters
    ----------
    embeddings : N×E.
    labels : N class numbers.
    thumbnails : N files, PNG or JPEG.
    """

    def __init__(
        self, embeddings: NDArray[np.floating], labels: NDArray[np.integer], thumbnails: list[bytes]
    ) -> None:
        self.embeddings = _unit(embeddings.astype(np.float32))
        self.labels = labels
        self.thumbnails = thumbnails

    def __len__(self) -> int:
        return len(self.thumbnails)

    def nearest(
        self, embedding: NDArray[np.floating], count: int, classes: list[str]
    ) -> list[Neighbour]:
        """The `count` training pictures most similar to an embedding of E numbers, best first."""
        likeness = self.embeddings @ _unit(embedding[None].astype(np.float32))[0]
        return [
            Neighbour(classes[self.labels[row]], float(likeness[row]), self.thumbnails[row])
            for row in np.argsort(-likeness, kind="stable")[:count]
        ]

    def to_bytes(self) -> bytes:
        """As a safetensors file."""
        sizes = np.array([len(file) for file in self.thumbnails], dtype=np.int64)
        data: bytes = save(
            {
                # safetensors writes the memory as it lies, so a transposed array would be shuffled.
                "embeddings": np.ascontiguousarray(self.embeddings, dtype=np.float16),
                "labels": self.labels.astype(np.int64),
                "sizes": sizes,
                "thumbnails": np.frombuffer(b"".join(self.thumbnails), dtype=np.uint8),
            }
        )
        return data

    @classmethod
    def from_bytes(cls, data: bytes, *, classes: int, width: int) -> Neighbours:
        """Read a file that may be untrusted.

        Parameters
        ----------
        data : the contents of the file.
        classes : K, the number of classes of the bundle.
        width : E, the length of an embedding.

        Raises
        ------
        ValueError
            `to_bytes` cannot have written it for these numbers.
        """
        try:
            arrays = load(data)
            embeddings, labels, sizes, packed = (
                arrays[name] for name in ("embeddings", "labels", "sizes", "thumbnails")
            )
        except (SafetensorError, KeyError) as error:
            raise ValueError(str(error)) from None
        if not (
            labels.dtype == sizes.dtype == np.int64
            and labels.ndim == 1
            and labels.shape == sizes.shape
            and 0 < len(labels) <= MOST
            and embeddings.shape == (len(labels), width)
            and np.isfinite(embeddings).all()
            and ((labels >= 0) & (labels < classes)).all()
            and ((sizes >= 0) & (sizes <= packed.size)).all()
            and packed.dtype == np.uint8
            and packed.shape == (int(sizes.sum()),)
        ):
            raise ValueError("its arrays do not fit together")
        ends = np.cumsum(sizes)
        return cls(
            embeddings,
            labels,
            [packed[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)],
        )


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
