"""Base models: where one is, and whether it is still the one that a student was trained on."""

from __future__ import annotations

import json
import re
from pathlib import Path

from langdistill.errors import StudentError
from langdistill.records import digest

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
EDGE = 1 << 20
"""Bytes read at each end of a file of weights: its header with all names and shapes, and the last tensors."""
DECIDING = ("config.json", "tokenizer.json", "tokenizer.model")
"""Files beside the weights that decide what a model says."""


def base_folder(base: str | Path) -> Path:
    """The folder of a base model: the folder itself, or where the hub's cache keeps a model of that name.

    A name such as "Qwen/Qwen3-0.6B" is fetched where it is not there yet and the hub can be reached.

    Raises:
        StudentError: there is no such model.
    """
    folder = Path(base).expanduser()
    if (folder / "config.json").is_file():
        return folder
    if folder.exists():
        raise StudentError(
            f"There is no model in {str(base)!r}: it holds no config.json. Give the folder of a Hugging Face model."
        )
    if not HUB_NAME.fullmatch(str(base)):
        raise StudentError(
            f"There is no base model {str(base)!r}: it is no folder, and no name of the hub such as 'Qwen/Qwen3-0.6B'."
        )
    return _fetched(str(base))


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:  # of the network, the hub or its cache: each has its own
        raise StudentError(
            f"The base model {name!r} is neither in the hub's cache nor to be had: {str(error).splitlines()[0]} "
            "Check the name, or give the folder of a model."
        ) from error


def base_digest(base: str | Path) -> str:
    """What tells a base model from another: its settings, its tokenizer, and of its weights the sizes and both ends.

    Whole weights are not read: of a model of 14 GB that would take longer than loading it.

    Raises:
        StudentError: there is no such model.
    """
    folder = base_folder(base)
    settings = [(name, _settings(folder / name)) for name in DECIDING if (folder / name).is_file()]
    weights = [[path.name, path.stat().st_size, _ends(path)] for path in weights_in(folder)]
    return digest([*map(list, settings), *weights])


def weights_in(folder: Path) -> list[Path]:
    """The files of weights in a folder, by name."""
    return sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")])


def _settings(path: Path) -> str:
    """A file's digest, without what transformers writes anew when it saves a model."""
    data = path.read_bytes()
    if path.name != "config.json":
        return digest(data)
    told = {
        key: value for key, value in json.loads(data).items() if key not in ("transformers_version", "_name_or_path")
    }
    return digest(told)


def _ends(path: Path) -> str:
    with path.open("rb") as file:
        first = file.read(EDGE)
        file.seek(max(0, path.stat().st_size - EDGE))
        return digest(first, file.read(EDGE))
