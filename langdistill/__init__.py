"""Slow thinking, distilled into a small local model that answers at once: a plugin for LangChain and LangGraph.

The public names are resolved when they are first used; importing the package runs nothing and loads neither torch nor
langgraph, unless LANGDISTILL_TRACE asks for recording.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langdistill.asking import ask as ask
    from langdistill.budgets import Price as Price
    from langdistill.budgets import budget as budget
    from langdistill.datasets.harvest import harvest as harvest
    from langdistill.datasets.targets.final_answer import final_answer as final_answer
    from langdistill.datasets.targets.whole_agent import whole_agent as whole_agent
    from langdistill.datasets.targets.with_reasoning import with_reasoning as with_reasoning
    from langdistill.evaluation.evaluate import evaluate as evaluate
    from langdistill.filters.agreement import agreement as agreement
    from langdistill.filters.correct import correct as correct
    from langdistill.filters.judged import judged as judged
    from langdistill.filters.no_exact_duplicates import no_exact_duplicates as no_exact_duplicates
    from langdistill.filters.no_secrets import no_secrets as no_secrets
    from langdistill.filters.novel import novel as novel
    from langdistill.filters.stable_under import stable_under as stable_under
    from langdistill.filters.tool_calls_valid import tool_calls_valid as tool_calls_valid
    from langdistill.middleware import Attend as Attend
    from langdistill.middleware import Think as Think
    from langdistill.mining.miner import create_instruction_miner as create_instruction_miner
    from langdistill.mining.pools import InstructionPools as InstructionPools
    from langdistill.nodes import node as node
    from langdistill.perturbations.perturbing import Perturbation as Perturbation
    from langdistill.reasoning_openai import ReasoningChatOpenAI as ReasoningChatOpenAI
    from langdistill.recording.recorder import TraceRecorder as TraceRecorder
    from langdistill.recording.switching import record as record
    from langdistill.refining.ask_refine_trust import create_ask_refine_trust as create_ask_refine_trust
    from langdistill.replies import caching as caching
    from langdistill.search.mutual_reasoning import create_mutual_reasoning as create_mutual_reasoning
    from langdistill.search.tree_of_thoughts import create_tree_of_thoughts as create_tree_of_thoughts
    from langdistill.strategies.answer_hint import create_answer_hint as create_answer_hint
    from langdistill.strategies.best_of_n import create_best_of_n as create_best_of_n
    from langdistill.strategies.branch_solve_merge import create_branch_solve_merge as create_branch_solve_merge
    from langdistill.strategies.branch_solve_merge_generation import (
        create_branch_solve_merge_generation as create_branch_solve_merge_generation,
    )
    from langdistill.strategies.chain_of_draft import create_chain_of_draft as create_chain_of_draft
    from langdistill.strategies.chain_of_thought import create_chain_of_thought as create_chain_of_thought
    from langdistill.strategies.least_to_most import create_least_to_most as create_least_to_most
    from langdistill.strategies.rationalization import create_rationalization as create_rationalization
    from langdistill.strategies.rephrase_and_respond import (
        create_one_step_rephrase_and_respond as create_one_step_rephrase_and_respond,
    )
    from langdistill.strategies.rephrase_and_respond import create_rephrase_and_respond as create_rephrase_and_respond
    from langdistill.strategies.self_consistency import create_self_consistency as create_self_consistency
    from langdistill.strategies.self_refine import create_self_refine as create_self_refine
    from langdistill.strategies.system2_attention import create_system2_attention as create_system2_attention
    from langdistill.strategies.universal_self_consistency import (
        create_universal_self_consistency as create_universal_self_consistency,
    )
    from langdistill.students.local import LocalChatModel as LocalChatModel
    from langdistill.students.serving.offline import VllmChatModel as VllmChatModel
    from langdistill.students.train.training import train as train
    from langdistill.votes import adaptive_consistency as adaptive_consistency
    from langdistill.votes import early_stopping as early_stopping

__version__ = "0.1.0"

_HOME = {
    "Attend": "middleware",
    "InstructionPools": "mining.pools",
    "LocalChatModel": "students.local",
    "Perturbation": "perturbations.perturbing",
    "Price": "budgets",
    "ReasoningChatOpenAI": "reasoning_openai",
    "Think": "middleware",
    "TraceRecorder": "recording.recorder",
    "VllmChatModel": "students.serving.offline",
    "adaptive_consistency": "votes",
    "agreement": "filters.agreement",
    "ask": "asking",
    "budget": "budgets",
    "caching": "replies",
    "correct": "filters.correct",
    "create_answer_hint": "strategies.answer_hint",
    "create_ask_refine_trust": "refining.ask_refine_trust",
    "create_best_of_n": "strategies.best_of_n",
    "create_branch_solve_merge": "strategies.branch_solve_merge",
    "create_branch_solve_merge_generation": "strategies.branch_solve_merge_generation",
    "create_chain_of_draft": "strategies.chain_of_draft",
    "create_chain_of_thought": "strategies.chain_of_thought",
    "create_instruction_miner": "mining.miner",
    "create_least_to_most": "strategies.least_to_most",
    "create_mutual_reasoning": "search.mutual_reasoning",
    "create_one_step_rephrase_and_respond": "strategies.rephrase_and_respond",
    "create_rationalization": "strategies.rationalization",
    "create_rephrase_and_respond": "strategies.rephrase_and_respond",
    "create_self_consistency": "strategies.self_consistency",
    "create_self_refine": "strategies.self_refine",
    "create_system2_attention": "strategies.system2_attention",
    "create_tree_of_thoughts": "search.tree_of_thoughts",
    "create_universal_self_consistency": "strategies.universal_self_consistency",
    "early_stopping": "votes",
    "evaluate": "evaluation.evaluate",
    "final_answer": "datasets.targets.final_answer",
    "harvest": "datasets.harvest",
    "judged": "filters.judged",
    "no_exact_duplicates": "filters.no_exact_duplicates",
    "no_secrets": "filters.no_secrets",
    "node": "nodes",
    "novel": "filters.novel",
    "record": "recording.switching",
    "stable_under": "filters.stable_under",
    "tool_calls_valid": "filters.tool_calls_valid",
    "train": "students.train.training",
    "whole_agent": "datasets.targets.whole_agent",
    "with_reasoning": "datasets.targets.with_reasoning",
}
"""Public name to the module that holds it."""

# The middleware and ReasoningChatOpenAI need an extra; a star import must work without it.
__all__ = [
    "LocalChatModel",
    "Perturbation",
    "Price",
    "TraceRecorder",
    "VllmChatModel",
    "adaptive_consistency",
    "agreement",
    "ask",
    "budget",
    "caching",
    "correct",
    "create_answer_hint",
    "create_best_of_n",
    "create_branch_solve_merge",
    "create_branch_solve_merge_generation",
    "create_chain_of_draft",
    "create_chain_of_thought",
    "create_least_to_most",
    "create_one_step_rephrase_and_respond",
    "create_rationalization",
    "create_rephrase_and_respond",
    "create_self_consistency",
    "create_self_refine",
    "create_system2_attention",
    "create_universal_self_consistency",
    "early_stopping",
    "evaluate",
    "final_answer",
    "harvest",
    "judged",
    "no_exact_duplicates",
    "no_secrets",
    "node",
    "novel",
    "record",
    "stable_under",
    "tool_calls_valid",
    "train",
    "whole_agent",
    "with_reasoning",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'langdistill' has no attribute {name!r}")
    return getattr(import_module(f"langdistill.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*_HOME, "__version__"]


if os.environ.get("LANGDISTILL_TRACE"):
    import_module("langdistill.recording.switching").follow_environment()
