"""Where the journals of a store are looked for."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any


def place_of(target: Any, folder: Path | None = None) -> Path | None:
    """The folder of the journals of a store: beside an SQLite file, else one of this machine.

    Args:
        target: a path, "postgresql://...", or a store; one that can be opened again has a `target`.
        folder: where the user wants them. Every store has its own in there: what one process has left for a store must not
            be taken into another one.

    Returns:
        `None` for a store without an address, whose journals nobody else could take in.
    """
    address = target if isinstance(target, (str, Path)) else getattr(target, "target", None)
    if not address:
        return folder
    if isinstance(address, Path) or "://" not in address:
        file = Path(address).resolve()  # the process may change its folder, and another one come by a link
        if folder is None:
            return file.with_name(file.name + ".journal.d")
        address = str(file)
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return (folder or state / "langdistill") / sha256(address.encode()).hexdigest()[:16]
