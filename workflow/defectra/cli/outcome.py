"""What a run came to: its products, whether its report is old, and what failed, for people."""

from __future__ import annotations

import os
import re
from pathlib import Path

from defectra.campaign.progress import duration
from defectra.campaign.run_events import Event, Steps
from defectra.core.paths import WORKFLOW

CAPTIONS = WORKFLOW / "report"
_ERROR = re.compile(r"(?!Error in )[\w.]*(Error|Exception|Interrupt)\b")
_OF_SNAKEMAKE = re.compile(
    r"^RuleException:\n(?:.*\n)*?Error in rule .*\n(?: {4}.*\n)*", re.MULTILINE
)
_RULE_EXCEPTION = re.compile(r"^RuleException:", re.MULTILINE)  # not MissingRuleException
_ERRNO = re.compile(r"^\w*Error: \[Errno \d+\] ")  # what follows is a sentence
_NO_RULE = re.compile(r"MissingRuleException:\s*No rule to produce (\S+?)\.?(?=\s|$)[^\n]*")
_FILES = 6  # of those that are missing
_PRODUCTS = {
    "report.html": "verdicts, figures and their captions, for a browser",
    "*/report.html": "the same for one study",
    "scorecard.csv": "what papers claim beside ours",
    "checks.csv": "bounds of our own and negative controls",
    "*/metrics.csv": "scores of all models",
    "*/training.parquet": "the training table",
    "calculations.parquet": "every calculation, failed ones included",
}


def is_old(report: Path, results: Path) -> bool:
    """Whether a report is missing, or older than a result or a caption that it shows."""
    if not report.exists():
        return True
    made = report.stat().st_mtime
    shown = [*results.glob("**/*.csv"), *results.glob("**/*.png"), *CAPTIONS.glob("*.rst")]
    return any(path.stat().st_mtime > made for path in shown)


def done(steps: int, results: Path, seconds: float) -> list[str]:
    """Lines for a run that made everything: its number of steps, and what there is now."""
    lines = [f"Done: {steps} steps in {duration(seconds)}."]
    for pattern, what in _PRODUCTS.items():
        lines += [f"  {short(path):34} {what}" for path in sorted(results.glob(pattern))]
    return lines


def failures(steps: Steps, log: bytes, directory: Path) -> list[str]:
    """For each job that failed: rule, log file, and the lines that explain it; else of the run.

    A cluster gives a job a second log, and either of the two may be empty: the first one that
    has an error in it is shown, else the first that is not empty, else what the job wrote to the
    log of the run.

    Parameters
    ----------
    steps
        Of the run.
    log
        What Snakemake and its jobs wrote.
    directory
        Working directory of the run.
    """
    out, end = [], 0
    for event in sorted(steps.failed.values(), key=lambda event: event.at):
        path, lines = _explained(event, directory)
        lines = lines or meaningful(_last_said(log[end : event.at]))
        where = f", log {short(path)}" if path else ""
        out.append("\n".join([f"Rule {event.rule} failed{where}:", *lines]))
        end = event.at
    text = "\n".join(steps.errors) or log.decode("utf-8", errors="replace")
    return out or ["\n".join(["Snakemake failed:", *meaningful(text)])]


def _last_said(log: bytes) -> str:
    """The end of a log that is not what Snakemake itself says of a failed job."""
    pieces = _OF_SNAKEMAKE.split(log.decode("utf-8", errors="replace"))
    return next((piece for piece in reversed(pieces) if piece.strip()), "")


def _explained(event: Event, directory: Path) -> tuple[Path | None, list[str]]:
    """The log that explains a failure, and its lines; the first named one if none explains it."""
    paths = [directory / name for name in event.logs]
    texts = {p: p.read_text(errors="replace") for p in paths if p.is_file()}
    lines = {p: meaningful(text) for p, text in texts.items() if text.strip()}
    errors = [p for p in lines if any(map(_ERROR.match, texts[p].splitlines()))]
    best = next(iter([*errors, *lines, *paths]), None)
    return best, lines.get(best, []) if best else []


def meaningful(text: str, count: int = 4) -> list[str]:
    """Last lines that a person needs: the error itself, without the stack above it."""
    text = _RULE_EXCEPTION.split(text, maxsplit=1)[0].split("\nWildcards:", maxsplit=1)[0]
    known = "`defectra targets` lists what there is"
    text = _NO_RULE.sub(rf"MissingRuleException: no rule makes \1; {known}", text)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    starts = [k for k, line in enumerate(lines) if _ERROR.match(line)]
    if "    affected files:" in lines:  # which of its input files are missing, not only that
        count += _FILES
    own = lines[starts[-1] :] if starts else lines[-count:]
    return [f"  {_ERRNO.sub('', line)}" for line in own[:count]]


def short(path: Path) -> str:
    """Path as a user would type it from here."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
