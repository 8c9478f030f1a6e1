"""Slow thinking, distilled into a small local model that answers at once: a plugin for LangChain and LangGraph.

The public names are resolved when they are first used; importing the package runs nothing and loads neither torch nor
langgraph.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langdistill.asking import ask as ask
    from langdistill.asking import node as node
    from langdistill.budgets import budget as budget
    from langdistill.datasets.harvest import harvest as harvest
    from langdistill.datasets.targets import final_answer as final_answer
    from langdistill.evaluation.evaluate import evaluate as evaluate
    from langdistill.filters.agreement import agreement as agreement
    from langdistill.filters.stable_under import Perturbation as Perturbation
    from langdistill.filters.stable_under import stable_under as stable_under
    from langdistill.recording.recorder import TraceRecorder as TraceRecorder
    from langdistill.replies import caching as caching
    from langdistill.strategies.branch_solve_merge import create_branch_solve_merge as create_branch_solve_merge
    from langdistill.strategies.chain_of_thought import create_chain_of_thought as create_chain_of_thought
    from langdistill.strategies.rephrase_and_respond import (
        create_one_step_rephrase_and_respond as create_one_step_rephrase_and_respond,
    )
    from langdistill.strategies.rephrase_and_respond import create_rephrase_and_respond as create_rephrase_and_respond
    from langdistill.strategies.self_consistency import create_self_consistency as create_self_consistency
    from langdistill.strategies.system2_attention import create_system2_attention as create_system2_attention
    from langdistill.students.local import LocalChatModel as LocalChatModel

__version__ = "0.1.0"

_HOME = {
    "LocalChatModel": "students.local",
    "Perturbation": "filters.stable_under",
    "TraceRecorder": "recording.recorder",
    "agreement": "filters.agreement",
    "ask": "asking",
    "budget": "budgets",
    "caching": "replies",
    "create_branch_solve_merge": "strategies.branch_solve_merge",
    "create_chain_of_thought": "strategies.chain_of_thought",
    "create_one_step_rephrase_and_respond": "strategies.rephrase_and_respond",
    "create_rephrase_and_respond": "strategies.rephrase_and_respond",
    "create_self_consistency": "strategies.self_consistency",
    "create_system2_attention": "strategies.system2_attention",
    "evaluate": "evaluation.evaluate",
    "final_answer": "datasets.targets",
    "harvest": "datasets.harvest",
    "node": "asking",
    "stable_under": "filters.stable_under",
}
"""Public name to the module that holds it."""

__all__ = [
    "LocalChatModel",
    "Perturbation",
    "TraceRecorder",
    "agreement",
    "ask",
    "budget",
    "caching",
    "create_branch_solve_merge",
    "create_chain_of_thought",
    "create_one_step_rephrase_and_respond",
    "create_rephrase_and_respond",
    "create_self_consistency",
    "create_system2_attention",
    "evaluate",
    "final_answer",
    "harvest",
    "node",
    "stable_under",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'langdistill' has no attribute {name!r}")
    return getattr(import_module(f"langdistill.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
