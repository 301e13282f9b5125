"""One report, two renderings: aligned text for a terminal, a table for a notebook that also reads well as text."""

import html
import os
import re
import sys
import textwrap

from ._judge import Report

DRAWN_PATTERN = re.compile(r"(WRONG  [^:\n]+: ).+|(<strong>WRONG</strong></td><td[^>]*>[^<]*</td>)<td[^>]*>.*?</td>")
"""What nbval does not compare of a report: numbers that are drawn anew each time."""
COLOURS = {"ok": "32", "WRONG": "31", "right": "32", "wrong": "31", "done": "32", "tried": "33"}


def coloured(word: str, text: str | None = None) -> str:
    """Colour a verdict, where the terminal shows colours and nobody said no."""
    text = word if text is None else text
    return f"\033[{COLOURS[word]}m{text}\033[0m" if word in COLOURS and _colours() else text


def _colours() -> bool:
    old_windows = sys.platform == "win32" and "WT_SESSION" not in os.environ
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return sys.stdout.isatty() and wanted and not old_windows


def as_text(report: Report, title: str = "", width: int = 100) -> str:
    """Write a report as lines: the verdict, then the checks in columns."""
    head = f"{report.name}: {coloured(report.status)}" + (f"  ({title})" if title else "")
    column = max((len(check.label) for check in report.checks), default=0)
    lines = []
    for check in report.checks:
        word = "ok" if check.passed else "WRONG"
        start = f"  {word:<5}  {check.label:<{column}}  "
        told = textwrap.wrap(
            check.words, max(width, len(start) + 30), initial_indent=start, subsequent_indent=" " * len(start)
        )
        lines.append(coloured(word, (told or [start])[0].rstrip()))
        lines += told[1:]
    if report.printed:
        lines.append(f"         your function printed: {report.printed}")
    return "\n".join([head, *lines])


class Shown:
    """A report as a notebook shows it: a table, or the same lines as text."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __repr__(self) -> str:
        return "\n".join(f"{self._report.name}: {line}" for line in self._report.lines)

    def _repr_html_(self) -> str:
        report = self._report
        rows = "".join(
            f"<tr><td>{'ok' if check.passed else '<strong>WRONG</strong>'}</td>"
            f'<td style="text-align: left">{html.escape(check.label)}</td>'
            f'<td style="text-align: left">{html.escape(check.words)}</td></tr>'
            for check in report.checks
        )
        printed = f"<p>your function printed: <code>{html.escape(report.printed)}</code></p>" if report.printed else ""
        caption = f'<caption style="text-align: left">{report.name}: {report.status}</caption>'
        return f"<table>{caption}<tbody>{rows}</tbody></table>{printed}"
