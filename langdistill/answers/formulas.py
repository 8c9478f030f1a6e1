"""Mathematics beyond numbers, read by math-verify (Hugging Face) in a process of its own that has a time and a memory limit."""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import sys
from collections import deque
from functools import cache
from importlib.util import find_spec
from subprocess import DEVNULL, PIPE
from threading import Lock, Timer

from langdistill.answers.marked import LONGEST_BARE_ANSWER, bare, marked
from langdistill.answers.numbers import whole_number
from langdistill.answers.tex import plain
from langdistill.errors import AnswerError, MissingExtra

LONGEST = 1000
"""Characters of an expression; what is longer is no answer that anyone meant."""
DEEPEST = 30
"""Brackets within brackets; the parser's time grows with every level."""
SECONDS = 10.0
"""For one expression; MATH-500 takes 5 ms on average."""

READER = [sys.executable, "-P", "-m", "langdistill.answers.formula_reader"]

SPANS = re.compile(
    r"\$\$?(?P<dollars>[^$]++)\$|\\\((?P<round>(?:[^\\]|\\(?![()]))*+)\\\)|\\\[(?P<square>(?:[^\\]|\\(?![\[\]]))*+)\\\]"
)
UNIT = re.compile(
    r"(?:\s|\\[ ,;!])*(?:\\(?:text|mbox|mathrm)\s?\{[^{}]*+\}(?:\s?\^\s?\{?\d\}?)?|\^?\{?\s?\\circ\s?\}?|°)\s*$"
)
WORDS = re.compile(r"[^\W\d_]{2,}(?:[ '’-][^\W\d_]+)*")
IN_TEXT = re.compile(r"\\(?:text|textbf|textit|mbox|mathrm)\s?\{([^{}\\]*+)\}")
BASE = re.compile(r"(\w+)_\{?(\d+)\}?")


def maths(text: str) -> str | None:
    r"""The mathematical value a reply ends in: a number, an expression, a set, an interval, a point, a matrix, an equation.

    Where the reply marks a place (see `final_answer`), the last formula between dollars or ``\(...\)`` of that place, or the
    place itself; without a mark, the last formula of the reply, or the whole reply when it is a single short line. Units,
    degrees and "x =" in front are dropped; a number is spelled as `number` spells it ("0.5"), everything else as SymPy
    ("3*sqrt(13)", "{-2, 1}", "[-2, 7)"), fractions cancelled, products expanded, denominators rational. Words stay words.

    Two spellings that SymPy brings to no common form count as two answers; answers of different value are not merged,
    except an open interval and a point, which are both written "(3, 4)".
    What cannot be parsed, is longer than 1,000 characters, is nested deeper than 30 or takes longer than 10 s stands as it is
    written, between dollars, so it can still agree with itself. The call blocks until the process that parses has answered.

    Raises:
        MissingExtra: math-verify is not installed.
        AnswerError: the process that parses cannot be started.
    """
    _require()
    formula = _formula(text)
    return spell(formula) if formula else None


def spell(formula: str) -> str | None:
    """One spelling for a formula, from LaTeX or plain text."""
    formula = " ".join(formula.strip().strip("$").rstrip(".,; ").split())
    if len(formula) > LONGEST:
        return _as_written(formula)
    without_unit = UNIT.sub("", formula)
    if word := IN_TEXT.fullmatch(formula):
        return bare(word[1]) or None
    short = bare(without_unit)
    if not formula.endswith("!") and (found := whole_number(plain(short.strip("$ ")).strip())):
        return str(found)
    if WORDS.fullmatch(short):
        return short
    if base := BASE.fullmatch(formula):
        return f"{base[1]}_{base[2]}"
    told = _reader().ask(without_unit) if without_unit and _depth(formula) <= DEEPEST else None
    return told or _as_written(formula)


def _as_written(formula: str) -> str | None:
    """Between dollars, where comparing drops nothing of it: "(9)!" is not "9"."""
    return f"${formula}$" if bare(formula) else None


def _formula(text: str) -> str | None:
    """The formula, without what marks it."""
    place = marked(text)
    searched = text if place is None else place
    if last := deque(SPANS.finditer(searched), maxlen=1):
        return (last[0]["dollars"] or last[0]["round"] or last[0]["square"] or "").strip()
    if place is not None:
        return place
    whole = text.strip()
    return whole if "\n" not in whole and len(whole) <= LONGEST_BARE_ANSWER else None


def _depth(formula: str) -> int:
    depth = deepest = 0
    for sign in formula:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _require() -> None:
    """Both are needed: math-verify parses through the runtime of ANTLR, which is an extra of its own."""
    for package, module in (("math-verify", "math_verify"), ("antlr4-python3-runtime", "antlr4")):
        try:
            found = find_spec(module)
        except ImportError:
            found = None
        if not found:
            raise MissingExtra(package, "maths")


class _Reader:
    """A process that spells formulas, one line each; it is ended when one takes too long, and started again by the next.

    SymPy can be made to compute for hours within a single call that no exception interrupts, in any thread of ours: only
    ending a process is a limit.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.process: subprocess.Popen[str] | None = None

    def ask(self, formula: str) -> str | None:
        """The spelling of a formula on one line; `None` where there is none, or none in time."""
        with self.lock:
            process = self.process or self._start()
            timer = Timer(SECONDS, process.kill)
            timer.start()
            told = ""
            try:
                told = self._tell(process, formula)
            finally:  # after Ctrl-C too: what it would still answer belongs to no later question
                timer.cancel()
                if not told:
                    self._close()
            return told.strip() or None

    def _start(self) -> subprocess.Popen[str]:
        """Wait until it is ready. It sees the modules we see, and orders terms alike each time it is started."""
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
        see = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8:replace"}
        self.process = process = subprocess.Popen(
            READER, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, encoding="utf-8", errors="replace", env=os.environ | see
        )
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            self._close()
            raise AnswerError(
                f"The process that reads mathematics ended with exit code {process.returncode} before it was ready. "
                f"Run it alone to see why: {' '.join(READER)}"
            )
        return process

    def _tell(self, process: subprocess.Popen[str], formula: str) -> str:
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(formula + "\n")
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:
            return ""

    def close(self, owner: int) -> None:
        """At the end of the process that started it, not of one forked from that."""
        if owner == os.getpid():
            self._close()

    def _close(self) -> None:
        process, self.process = self.process, None
        if process:
            process.kill()
            process.communicate()


@cache
def _reader_of(process_id: int) -> _Reader:
    """One for each process of ours: a fork must not share its parent's pipes."""
    reader = _Reader()
    atexit.register(reader.close, process_id)
    return reader


def _reader() -> _Reader:
    return _reader_of(os.getpid())
