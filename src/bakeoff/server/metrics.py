"""The counters and histograms behind `/metrics`, for Prometheus."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.server.models import ModelResult, Models

__all__ = ["Measure", "Metrics"]

LEFT = 499
SECONDS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 4, 8)

log = logging.getLogger("bakeoff.server")


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "bakeoff_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "bakeoff_request_seconds",
            "From the first byte of a request to the last byte of its response.",
            ("route",),
            registry=self.registry,
            buckets=SECONDS,
        )
        self._pictures = Counter(
            "bakeoff_pictures", "Pictures classified.", ("model", "verdict"), registry=self.registry
        )
        self._alarm, self._evidence, self._watched = (
            Gauge(name, words, ("model",), registry=self.registry)
            for name, words in (
                ("bakeoff_drift_alarm", "1 once pictures were unlike the training pictures."),
                ("bakeoff_drift_evidence", "That they are unlike; 1 says nothing."),
                ("bakeoff_drift_pictures", "Pictures that the drift alarm has looked at."),
            )
        )

    def answered(self, results: Mapping[str, ModelResult]) -> None:
        """Count the verdicts of each model."""
        for name, result in results.items():
            for answer in result.answers:
                self._pictures.labels(name, answer.verdict).inc()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the pattern of a route, never a path from a client."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, models: Models) -> bytes:
        """The metrics in the text format of Prometheus; gauges are of the served `models`."""
        for gauge in (self._alarm, self._evidence, self._watched):
            gauge.clear()  # of models that are not served any more
        for name in models:
            if (drift := models.drift(name)) is not None:
                self._alarm.labels(name).set(drift.alarm)
                self._evidence.labels(name).set(drift.evidence)
                self._watched.labels(name).set(drift.pictures)
        return generate_latest(self.registry)


class Measure:
    """Middleware that counts every request with its status and duration.

    A client that leaves before its request has arrived is counted with status 499, as by nginx.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, arrived = time.perf_counter(), 500, False

        async def watched() -> Message:
            nonlocal status, arrived
            message = await receive()
            if message["type"] == "http.disconnect" and not arrived:
                status = LEFT
            elif message["type"] == "http.request":
                arrived = not message.get("more_body", False)
            return message

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and status != LEFT:
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, watched, observed)
        except ClientDisconnect:
            log.debug("a client left before its request was complete")
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.request(route, status, time.perf_counter() - started)
