"""One ONNX file of a bundle behind LitServe, as its documentation would have it.

    python litserve_onnx.py MODEL PORT

POST /predict with the bytes of a picture as the body answers with its probabilities.
"""

from __future__ import annotations

import io
import sys

import litserve as ls
import numpy as np
import onnxruntime
from fastapi import Request, Response
from PIL import Image


class Api(ls.LitAPI):
    def setup(self, device: str) -> None:
        self.session = onnxruntime.InferenceSession(sys.argv[1])

    async def decode_request(self, request: Request) -> np.ndarray:
        image = Image.open(io.BytesIO(await request.body()))
        return np.asarray(image)[..., None]

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        return self.session.run(["probabilities"], {"pixels": pixels})[0]

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, output: np.ndarray) -> Response:
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = ls.LitServer(Api(max_batch_size=64, batch_timeout=0.002), accelerator="cpu")
    server.run(port=int(sys.argv[2]), generate_client_file=False, log_level="warning")
