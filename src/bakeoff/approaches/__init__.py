"""The approaches, by name. One approach is one file; a new one is added to this list."""

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.baseline import Baseline
from bakeoff.approaches.cnn import CNN
from bakeoff.approaches.transfer import Transfer
from bakeoff.approaches.vit import ViT

__all__ = ["APPROACHES", "CNN", "Approach", "Baseline", "Task", "Transfer", "ViT"]

APPROACHES: dict[str, type[Approach]] = {
    approach.name: approach for approach in (Baseline, CNN, ViT, Transfer)
}
