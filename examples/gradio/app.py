"""Draw a picture, and every model of a run answers: python app.py RUN."""

import os
import sys

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
import gradio as gr

import bakeoff

panel = bakeoff.load([sys.argv[1]])


def answers(drawing):
    """The probabilities of each model, and its verdict."""
    if drawing is None or not drawing["layers"]:  # nothing is drawn yet
        return [None] * (len(panel.bundles) + 1)
    named = {name: answer for name, (answer,) in panel.predict(drawing["composite"]).items()}
    verdicts = [f"{name}: {answer.label}, {answer.words}" for name, answer in named.items()]
    return ["\n".join(verdicts), *(dict(answer.ranking) for answer in named.values())]


brush = gr.Brush(8, colors=["#000000"])
pad = gr.Sketchpad(type="pil", canvas_size=(320, 320), brush=brush, label="Draw here")
labels = [gr.Label(num_top_classes=3, label=name) for name in panel.bundles]
verdicts = gr.Textbox(label="Whether to trust it", lines=len(labels))
page = gr.Interface(answers, pad, [verdicts, *labels], live=True, flagging_mode="never")
page.launch(server_port=int(os.environ.get("PORT", "7860")))
