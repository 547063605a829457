"""A run or a study as a single HTML file to open, keep and mail."""

from bakeoff.report.study import write_study_report
from bakeoff.report.write import write_report

__all__ = ["write_report", "write_study_report"]
