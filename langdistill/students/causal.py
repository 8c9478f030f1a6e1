"""Whether a folder holds a causal language model whose weights are whole, told by its files alone: nothing is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from langdistill.errors import StudentError

CAUSAL = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
"""Ends of the names of architectures that give the next token; the last one, too, of encoder-decoders, which are refused."""
CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
"""What configurations call the context."""
INDEX = "model.safetensors.index.json"
HEADER = 8
"""Bytes that tell how long the header of a safetensors file is."""


def check_causal(folder: Path) -> None:
    """Refuse a base that cannot be a student's, before anything of it is loaded.

    Raises:
        StudentError: it is no causal language model, has no weights, or a file of weights is missing, cut off or something else.
    """
    config = _config(folder)
    named: list[str] = config.get("architectures") or []
    if named and not (any(name.endswith(CAUSAL) for name in named) and not config.get("is_encoder_decoder")):
        raise StudentError(
            f"The base {str(folder)!r} is a {', '.join(named)}, no causal language model: it does not say the next token. "
            "Give one whose config.json names a ...ForCausalLM, such as Qwen/Qwen3-0.6B."
        )
    parts = _parts(folder)
    if not parts and not list(folder.glob("*.bin")):
        raise StudentError(
            f"The base {str(folder)!r} has no weights: it holds neither *.safetensors nor *.bin. Fetch it again as a whole."
        )
    for part in parts:
        if wrong := _wrong(part):
            raise StudentError(f"The weights {str(part)!r} cannot be read: {wrong}. Fetch the base again.")


def context_of(folder: Path) -> int | None:
    """Most tokens that the model reads at once; `None` where its configuration sets no limit."""
    config = _config(folder)
    told = {**config, **(config.get("text_config") or {})}
    return next((int(told[name]) for name in CONTEXT if isinstance(told.get(name), int)), None)


def _config(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "config.json").read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise StudentError(f"The config.json of the base {str(folder)!r} cannot be read: {error}.") from error


def _parts(folder: Path) -> list[Path]:
    """The files of the weights, those included that an index names and that may be missing."""
    found = set(folder.glob("*.safetensors"))
    if (folder / INDEX).is_file():
        told = json.loads((folder / INDEX).read_bytes())
        found |= {folder / name for name in told.get("weight_map", {}).values()}
    return sorted(found)


def _wrong(path: Path) -> str | None:
    """What speaks against a safetensors file: its header tells how long it must be."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(HEADER), "little")
            if length > size:
                return "it does not begin as a safetensors file"
            header = json.loads(file.read(length))
        tensors = (told["data_offsets"][1] for name, told in header.items() if name != "__metadata__")
        expected = HEADER + length + max(tensors, default=0)
    except OSError as error:
        return error.strerror or str(error)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "it does not begin as a safetensors file"
    return None if size == expected else f"it has {size:,} bytes, and its header tells of {expected:,}"
