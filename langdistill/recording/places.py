"""Where the journals of a store are looked for."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any


def place_of(target: Any) -> Path | None:
    """The folder of the journals: beside an SQLite file, else one of this machine; `None` for a store without an address.

    Args:
        target: a path, "postgresql://...", or a store; one of a file has a `path`.
    """
    address = target if isinstance(target, (str, Path)) else getattr(target, "path", None)
    if not address:
        return None
    if isinstance(address, str) and "://" in address:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        return state / "langdistill" / sha256(address.encode()).hexdigest()[:16]
    file = Path(address).resolve()  # the process may change its folder, and another one come by a link
    return file.with_name(file.name + ".journal.d")
