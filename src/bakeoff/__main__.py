"""``python -m bakeoff`` is ``bakeoff``."""

from bakeoff.cli import main

main()
