"""Classify the pictures of an Anvil app on your own machine.

ANVIL_UPLINK_KEY=… python uplink.py RUN
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anvil
import anvil.server

import bakeoff
from bakeoff.bundle.inputs import gather
from bakeoff.errors import BakeoffError

panel = bakeoff.load([sys.argv[1]])


@anvil.server.callable
def predict(file):
    """The answers of every model to a picture, as plain values.

    Anvil sends numbers, texts, lists and dictionaries, and refuses other objects, so each answer
    is sent as `Answer.to_dict()`. An error that Anvil does not know reaches the form as text.
    """
    try:
        answers = panel.predict(file.get_bytes())
    except BakeoffError as error:
        return {"error": str(error)}
    return {name: answer.to_dict() for name, (answer, *_) in answers.items()}


@anvil.server.callable
def picture(file):
    """A drawing of what each model saw and which parts its answer depends on."""
    inputs = gather(file.get_bytes())
    with TemporaryDirectory() as folder:
        path = next(panel.draw(inputs, panel.answer(inputs), Path(folder)))
        return anvil.BlobMedia("image/png", path.read_bytes(), name="why.png")


if __name__ == "__main__":
    url = os.environ.get("ANVIL_UPLINK_URL", "wss://anvil.works/uplink")
    anvil.server.connect(os.environ["ANVIL_UPLINK_KEY"], url=url)
    anvil.server.wait_forever()
