"""Overwrites a data set in children that are killed, and prints what stands there afterwards; run by `test_killed.py`.

    python killed.py FOLDER events|moments exchange|fallback

With "events" the k-th child kills itself right before its k-th event at a file or folder, for every k until one survives; with
"moments" children are killed from outside at random times. Afterwards each time: the hash that is read, and what the next write
leaves beside it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from langdistill import folders
from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.records import Trace
from langdistill.stores.sqlite import SQLiteStore

TOUCHES = {
    "open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.scandir", "os.listdir", "shutil.rmtree", "ctypes.dlsym",
    "os.truncate", "tempfile.mkdtemp", "sqlite3.connect",
}  # fmt: skip
MOMENTS = 25


def written(folder: Path, name: str) -> str:
    plan = harvest(folder / f"{name}.db")
    return plan.write(folder / "out" / "data", overwrite=True).hash


def store(folder: Path, name: str, problems: int) -> None:
    traces = [
        Trace(id=f"t{at}", input=[{"role": "user", "content": f"Q{at}"}], answer=name, metadata={"problem": f"p{at}"})
        for at in range(problems)
    ]
    kept = SQLiteStore(folder / f"{name}.db")
    kept.add(traces)
    kept.close()


def dies_at(event: int) -> None:
    """Kill this process right before its so-many-th event."""
    seen = 0

    def count(name: str, arguments: Any) -> None:
        nonlocal seen
        seen += name in TOUCHES
        if seen == event and name in TOUCHES:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def child(folder: Path, event: int | None) -> int:
    """A child that overwrites the data set; its number."""
    process = os.fork()
    if process:
        return process
    if event is not None:
        dies_at(event)
    written(folder, "new")
    os._exit(0)


def outcome(folder: Path, process: int) -> dict[str, Any]:
    """What stands there, and what is beside it before and after the next write."""
    survived = os.waitpid(process, 0)[1] == 0
    out = folder / "out"
    found = sorted(path.name.rpartition(".")[2] for path in out.iterdir() if path.name != "data")
    here = (out / "data").exists()
    hashed = read_dataset(out / "data").hash
    written(folder, "old")
    after = sorted(path.name for path in out.iterdir())
    return {"survived": survived, "left": found, "there": here, "hash": hashed, "after": after}


def main(folder: Path, how: str, way: str) -> None:
    if way == "fallback":
        folders.exchanged = lambda one, other: False
    (folder / "out").mkdir()
    store(folder, "old", 12)
    store(folder, "new", 12 if how == "events" else 400)
    hashes = {name: written(folder, name) for name in ("new", "old")}
    outcomes: list[dict[str, Any]] = []
    if how == "events":
        while not outcomes or not outcomes[-1]["survived"]:
            outcomes.append(outcome(folder, child(folder, len(outcomes) + 1)))
    else:
        started = time.perf_counter()
        os.waitpid(child(folder, None), 0)
        whole = time.perf_counter() - started
        dice = random.Random(0)
        for _ in range(MOMENTS):
            process = child(folder, None)
            time.sleep(dice.uniform(0.5 * whole, 1.05 * whole))
            os.kill(process, signal.SIGKILL)
            outcomes.append(outcome(folder, process))
    print(json.dumps({"hashes": hashes, "outcomes": outcomes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
