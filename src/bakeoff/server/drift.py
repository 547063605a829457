"""The drift alarm of each served model."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bakeoff.bundle.bundle import Bundle
from bakeoff.bundle.drift import Drift, drift_words, shuffled

__all__ = ["Watch"]

log = logging.getLogger("bakeoff.server")


class Watch:
    """One `Drift` for each served model, in memory: a restart begins again, as a new bundle does.

    Only the thread of the event loop uses it.
    """

    def __init__(self) -> None:
        self._drifts: dict[str, tuple[Bundle, Drift]] = {}

    def of(self, name: str, bundle: Bundle) -> Drift:
        """That of a model, which begins again with another bundle."""
        known = self._drifts.get(name)
        if known is None or known[0] is not bundle:
            known = self._drifts[name] = bundle, Drift(bundle.manifest.held_out_scores)
        return known[1]

    def add(self, name: str, bundle: Bundle, scores: Iterable[float], models: int) -> None:
        """Look at the OOD scores of pictures that came together; `models` share the pictures."""
        drift = self.of(name, bundle)
        quiet = not drift.alarm
        drift.add(shuffled(scores), models)
        if quiet and drift.alarm:
            log.warning("%s", drift_words({name: drift}))

    def forget(self, name: str) -> None:
        """Drop the state of a model that is not served any more."""
        self._drifts.pop(name, None)
