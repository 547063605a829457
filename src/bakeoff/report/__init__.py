"""A run as one HTML file that anyone can open, keep and mail."""

from bakeoff.report.write import write_report

__all__ = ["write_report"]
