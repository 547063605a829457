"""Draw or upload a picture, choose a model, see how confident it is.

streamlit run app.py -- RUN
"""

import sys

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

import bakeoff
from bakeoff.errors import BakeoffError

SIDE = 280  # pixels of the canvas

st.set_page_config(page_title="Draw a picture")
st.title("What did you draw?")


@st.cache_resource
def models(run):
    """The bundles of a run, loaded once for all visitors."""
    return bakeoff.load([run])


panel = models(sys.argv[1])
with st.sidebar:
    name = st.selectbox(
        "Model", list(panel.bundles), format_func=lambda name: panel[name].manifest.title
    )
    width = st.slider("Brush size", 1, 40, 8)
    colour = st.color_picker("Brush colour", "#000000")
    upload = st.file_uploader("Or upload a picture", type=["png", "jpg", "jpeg", "webp", "csv"])

left, right = st.columns(2)
with left:
    if upload:
        picture = upload.getvalue()
    else:
        canvas = st_canvas(
            stroke_width=width,
            stroke_color=colour,
            background_color="#ffffff",
            width=SIDE,
            height=SIDE,
            return_image_data=True,
            key="canvas",
        )
        picture = canvas.image_data

# Without an upload and before the first stroke there is nothing to name.
if picture is None or (not upload and np.ptp(picture[..., :3]) == 0):
    right.info("Draw something, or upload a picture.")
    st.stop()
try:
    answer = panel[name].predict(picture)[0]
except BakeoffError as error:
    right.error(str(error))
    st.stop()
if upload:
    left.image(answer.picture.squeeze(), width=SIDE)
right.metric("Answer", answer.label)
right.caption(f"{answer.probability:.1%}, {answer.words}")
for label, share in answer.ranking[:5]:
    right.progress(share, f"{label}: {share:.1%}")
