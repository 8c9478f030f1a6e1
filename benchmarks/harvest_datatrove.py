"""The five judgements of `harvest.py` as blocks of datatrove; run by `harvest.py` in an environment that has it.

python benchmarks/harvest_datatrove.py FOLDER
"""

import json
import re
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.exact_dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
)
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from loguru import logger

from langdistill.answers import final_answer
from langdistill.votes import vote

SECRET = re.compile(r"\b(?:sk|ghp|AKIA)[-_]?[A-Za-z0-9]{16,}\b")
LONGEST = 60
LEAST_SHARE = 0.6
CALLS = 8


def agrees(document: Document) -> tuple[bool, str]:
    """The vote; what leads becomes the answer of the row, and the replies go."""
    outcome = vote([final_answer(one) for one in document.metadata.pop("replies")])
    document.metadata["answer"] = outcome.answer
    return outcome.answer is not None and outcome.share >= LEAST_SHARE, "split-vote"


def fits(document: Document) -> tuple[bool, str]:
    return len(document.text.split()) <= LONGEST, "too-long"


def is_clean(document: Document) -> tuple[bool, str]:
    return not SECRET.search(document.text), "secret"


def is_number(document: Document) -> tuple[bool, str]:
    return document.metadata["answer"].removeprefix("-").isdigit(), "no-number"


def text(document: Document) -> bytes:  # datatrove reads this annotation as a class: no `from __future__` above
    return document.text.encode()


def main(folder: Path) -> None:
    logger.remove()
    started = time.perf_counter()
    config = ExactDedupConfig(content_getter=text)
    between, signatures, doubled, out = (
        str(folder / name) for name in ("between", "signatures", "doubled", "datatrove")
    )

    def dropped(name: str) -> JsonlWriter:
        return JsonlWriter(f"{out}/dropped/{name}", compression=None)

    blocks = [LambdaFilter(one, dropped(one.__name__)) for one in (agrees, fits, is_clean, is_number)]
    pipelines = [
        [JsonlReader(str(folder / "lines")), *blocks, JsonlWriter(between, compression=None)],
        [JsonlReader(between), ExactDedupSignature(signatures, config)],
        [ExactFindDedups(signatures, doubled, config)],
        [
            JsonlReader(between),
            ExactDedupFilter(doubled, config, dropped("doubled")),
            JsonlWriter(f"{out}/kept", compression=None),
        ],
    ]
    for at, pipeline in enumerate(pipelines):
        LocalPipelineExecutor(pipeline, tasks=1, logging_dir=str(folder / "logs" / str(at))).run()
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    rows = sum(1 for path in Path(out, "kept").iterdir() for _ in path.open("rb"))
    told = {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
        "rows": rows,
    }
    print(json.dumps(told | {"version": version("datatrove")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
