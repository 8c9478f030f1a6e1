"""What `import langdistill` costs beside `import langchain_core`: ``python benchmarks/import_time.py``.

Fresh processes by turns, `-X importtime`, median of eleven; the limit is 60 ms on top of langchain-core.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

TURNS = 11


def milliseconds(*modules: str) -> float:
    """Cumulative import time of the modules in a fresh process."""
    code = "; ".join(f"import {module}" for module in modules)
    lines = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    told = {line.split("|")[2].strip(): int(line.split("|")[1]) for line in lines.stderr.splitlines()[1:]}
    return sum(told[module] for module in modules) / 1000


if __name__ == "__main__":
    alone, both = zip(
        *((milliseconds("langchain_core"), milliseconds("langchain_core", "langdistill")) for _ in range(TURNS)),
        strict=True,
    )
    print(f"langchain_core {median(alone):.1f} ms; langdistill on top {median(both) - median(alone):.1f} ms (limit 60)")
