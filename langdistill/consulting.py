"""Ask models outside of a graph, as a filter or a perturbation does: budgets and the reply cache hold here, too."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage
from langchain_core.runnables.config import ensure_config

from langdistill.asking import Ask
from langdistill.budgets import BudgetSpent
from langdistill.fetching import Request, fetch


def consult(asks: Sequence[Ask], *, name: str, max_concurrency: int | None = None) -> list[list[AIMessage]]:
    """The replies to each, concurrently asked for; a request that failed while others did not has none.

    Args:
        asks: what to ask.
        name: who asks, as a budget's ledger tells it.
        max_concurrency: requests under way at a time.

    Raises:
        BudgetSpent: the budget kept something from being asked. Half a judgement is none.
        Exception: the first error, where not a single reply came.
    """
    config = ensure_config({"metadata": {"strategy": name}})
    if max_concurrency is not None:
        config["max_concurrency"] = max_concurrency
    request = Request(list(asks))
    while jobs := request.jobs():
        request.settle(jobs, fetch(jobs, config, keep=False))
    if request.cut:
        raise BudgetSpent(
            f"The budget is spent ({request.cut}) and {name!r} had more to ask. Raise the cap and run it again; inside "
            "`with caching(...)` what has been answered is not asked for again."
        )
    return request.replies()
