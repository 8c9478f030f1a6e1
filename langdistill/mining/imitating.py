"""Imitate: the teacher answers the train pool (Jiang et al., 2305.12870, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import Runnable

from langdistill.mining.pools import InstructionPools
from langdistill.mining.stages import ANSWERING, Model, Role, answer_all, stage


def imitation(
    teacher: Model, *, pools: InstructionPools, decoding: Mapping[str, Any] = ANSWERING
) -> Runnable[Any, Any]:
    """A node in which the teacher answers the instructions whose ids are in the state's `train`, each once ever.

    Args:
        teacher: a chat model or its string, or a graph.
        pools: of the run.
        decoding: sampling parameters; the authors' by default.
    """
    role = Role.of("teacher", teacher, decoding)

    def imitate(state: Mapping[str, Any]):
        yield from answer_all(role, state["train"], pools)
        return {"taught": role.label}

    return stage(imitate, pools)
