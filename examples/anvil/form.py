"""The code of the form, to paste into Anvil's editor: Form1 with these components.

`file_loader` (FileLoader), `image` (Image), `answers` (RichText), `why` (Image).
"""

import anvil.server

from ._anvil_designer import Form1Template


class Form1(Form1Template):
    """Shows a picture and what the models answer."""

    def __init__(self, **properties):
        self.init_components(**properties)

    def file_loader_change(self, file, **_event):
        """Called when a visitor chooses a file."""
        self.image.source = file
        answers = anvil.server.call("predict", file)
        if "error" in answers:
            self.answers.content = answers["error"]
            return
        self.answers.content = "\n".join(
            f"- **{model}**: {answer['label']} ({answer['probability']:.0%}), {answer['words']}"
            for model, answer in answers.items()
        )
        self.why.source = anvil.server.call("picture", file)
