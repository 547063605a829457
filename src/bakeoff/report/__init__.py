"""A run as one HTML file that anyone can open, keep and mail."""

from bakeoff.report.thumbnails import thumbnail
from bakeoff.report.write import write_report

__all__ = ["thumbnail", "write_report"]
