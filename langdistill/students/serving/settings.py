"""How a server is started: settings, and the flags of vLLM that they become."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import orjson

from langdistill.errors import StudentError
from langdistill.students.serving.interpreter import Interpreter

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as the highest rank of an adapter."""
ORDINARY_RANK = 16
KV_CACHE = "1G"
"""On a processor; vLLM would take nearly all memory. `extra=("--kv-cache-memory-bytes", "8G")` is for more requests at a time."""
TAKEN = {"--model", "--served-model-name", "--host", "--port", "--api-key"}
"""Flags that a setting stands for."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of a server of vLLM."""

    host: str = "127.0.0.1"
    """What it binds to; by default nobody outside this machine can reach it."""
    port: int | None = None
    """`None`: a free one."""
    api_key: str | None = None
    """What clients must give. `None`: a random one; empty: none at all, which is for loopback only."""
    max_rank: int | None = None
    """Highest rank of an adapter; by default that of the students it starts with, and 16 at least. Each place for an adapter
    takes the memory of this rank."""
    adapters: int = 4
    """Adapters in one batch; requests of more wait for each other. 0: the base alone, and no adapters."""
    dtype: str | None = None
    """Of the weights; by default vLLM's choice, and float32 on a processor: there it computes what transformers computes."""
    tool_parser: str | None = None
    """How the model writes tool calls ("hermes", "llama3_json", ...); without it the server refuses requests with tools."""
    reasoning_parser: str | None = None
    """How the model writes its thinking ("qwen3", "deepseek_r1", ...), which is then told apart from the content."""
    extra: tuple[str, ...] = ()
    """More flags of vLLM; they come last, so they have the last word."""
    python: str | Path | None = None
    """The Python that has vLLM; by default that of `LANGDISTILL_VLLM`, or this one."""
    log: Path | None = None
    """A file for what vLLM prints, requests included; by default the last lines are kept for an error and nothing else."""
    patience: float = 1800
    """Seconds that it may take to start."""

    def flags(self, base: str, names: list[str], interpreter: Interpreter) -> list[str]:
        """The flags of vLLM.

        Args:
            base: folder of the model.
            names: what it is called; the first one is told in replies.
            interpreter: the Python that has vLLM.

        Raises:
            StudentError: `extra` holds what a setting stands for.
        """
        if doubled := sorted({flag.partition("=")[0] for flag in self.extra} & TAKEN):
            raise StudentError(f"{doubled[0]} is no extra flag: use the setting for it ({shlex.join(self.extra)}).")
        chosen: list[str] = ["--model", base, "--served-model-name", *names, "--generation-config", "vllm"]
        chosen += ["--dtype", self.dtype or ("float32" if interpreter.cpu else "auto")]
        if interpreter.cpu:
            chosen += ["--enforce-eager", "--kv-cache-memory-bytes", KV_CACHE, "--max-model-len", "auto"]
        if self.adapters:
            chosen += ["--enable-lora", "--max-lora-rank", str(self.highest_rank())]
            chosen += ["--max-loras", str(self.adapters), "--max-cpu-loras", str(2 * self.adapters)]
        if self.tool_parser:
            chosen += ["--enable-auto-tool-choice", "--tool-call-parser", self.tool_parser]
        if self.reasoning_parser:
            chosen += ["--reasoning-parser", self.reasoning_parser]
        if not self.log:
            chosen += ["--disable-uvicorn-access-log"]
        return [*chosen, *self.extra]

    def highest_rank(self) -> int:
        """The highest rank, rounded up to one that vLLM takes.

        Raises:
            StudentError: it takes none so high.
        """
        wanted = self.max_rank or ORDINARY_RANK
        found = next((rank for rank in RANKS if rank >= wanted), None)
        if found is None:
            raise StudentError(
                f"vLLM takes adapters of rank {RANKS[-1]} at most, not {wanted}. Merge it into its base."
            )
        return found


def rank_of(adapter: Path) -> int:
    """The highest rank in an adapter.

    Raises:
        StudentError: the folder holds no adapter.
    """
    try:
        told = orjson.loads((adapter / "adapter_config.json").read_bytes())
        return max([int(told["r"]), *map(int, (told.get("rank_pattern") or {}).values())])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudentError(
            f"There is no adapter in {str(adapter)!r}: {error}. Give the folder of a student."
        ) from error
