"""How a node's requests are made: concurrently, each failure kept apart, each reply kept by a checkpointer where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor
from langchain_core.runnables.utils import gather_with_concurrency
from langgraph.errors import GraphBubbleUp
from langgraph.func import task

from langdistill.asking import Ask
from langdistill.budgets import BudgetSpent, current_budget
from langdistill.errors import ModelError
from langdistill.jobs import Fetched, Job

MOST_THREADS = 64
"""Requests under way at a time under `invoke`, where the config names no `max_concurrency`."""


class Request:
    """What one `yield` asked for, and what has come back of it."""

    def __init__(self, wanted: Ask | Sequence[Ask]) -> None:
        self.single = isinstance(wanted, Ask)
        self.asks: list[Ask] = [wanted] if isinstance(wanted, Ask) else list(wanted)
        self.found: list[dict[int, AIMessage]] = [{} for _ in self.asks]
        self.errors: list[Exception] = []
        self.cut = ""
        """Which caps of the budget kept something from being asked, here or inside a graph."""
        self._jobs = [job for at, one in enumerate(self.asks) for job in _jobs(at, one)]

    def jobs(self) -> list[Job]:
        """What is still to be asked: at first everything, then, one by one, what a server that ignores `n` left out."""
        jobs, self._jobs = self._jobs, []
        return jobs

    def settle(self, jobs: list[Job], results: Sequence[Fetched | Exception]) -> None:
        """Take in what came."""
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Exception):
                self.errors.append(result)
                if isinstance(result, BudgetSpent):
                    self.cut = current_budget().reached()
                continue
            self.found[job.at] |= dict(result["replies"])
            if result["refused"]:
                self.cut = current_budget().reached()
            if len(job.indices) > 1 and result["replies"]:
                self._jobs += [Job(job.at, job.ask, (index,)) for index in result["short"]]
            if job.ask.of_graph:
                self.cut = self.cut or next((cap for _, one in result["replies"] if (cap := stopped_of(one))), "")

    def replies(self) -> Any:
        """The replies in the shape of the request.

        Raises:
            BudgetSpent: the budget left nothing to ask for.
            Exception: the first error, where not a single reply came.
        """
        if self.asks and not any(self.found):
            error = self.errors[0] if self.errors else ModelError("The model gave no reply at all. Ask another one.")
            if len(self.errors) > 1:
                error.add_note(f"All {len(self.errors)} requests of this step failed; this is the first error.")
            raise error
        lists = [[found[index] for index in sorted(found)] for found in self.found]
        return lists[0] if self.single else lists

    def texts(self) -> list[str]:
        """All replies that came, in order."""
        return [found[index].text for found in self.found for index in sorted(found)]


def _jobs(at: int, one: Ask) -> list[Job]:
    """One request for all, where the model can; else one for each."""
    if one.n_in_one_request:
        return [Job(at, one, tuple(one.indices))]
    return [Job(at, one, (index,)) for index in one.indices]


def stopped_of(message: BaseMessage) -> str:
    """The cap that cut short the thinking behind a graph's message."""
    return str(message.response_metadata.get("stopped") or "")


def fetch(jobs: list[Job], config: RunnableConfig, *, keep: bool) -> Sequence[Fetched | Exception]:
    """Make the requests in threads; an error stands in its request's place.

    With `keep` and a checkpointer, each is a task of LangGraph's: its result is kept as soon as it is there.
    """
    if keep and _checkpointed(config):
        # Marked inside the task: a graph that is asked there checkpoints under the task's own name, not under the node's.
        kept: Any = task(name=_node_name(config))(
            lambda at: {"fetched": jobs[at].call(config, jobs[at].marked(config))}
        )
        waiting = [kept(at) for at in range(len(jobs))]
        return [_caught(lambda one=one: one.result()["fetched"]) for one in waiting]
    marked = _marked(jobs, config)
    if len(jobs) == 1:
        return [_caught(partial(jobs[0].call, config, marked[jobs[0].at]))]
    threads = min(len(jobs), config.get("max_concurrency") or MOST_THREADS)
    with ContextThreadPoolExecutor(max_workers=threads) as executor:
        return list(executor.map(lambda job: _caught(partial(job.call, config, marked[job.at])), jobs))


async def afetch(jobs: list[Job], config: RunnableConfig, *, keep: bool) -> Sequence[Fetched | Exception]:
    """Make the requests on the event loop; otherwise as `fetch`."""
    if keep and _checkpointed(config):

        async def run(at: int) -> Any:
            return {"fetched": await jobs[at].acall(config, jobs[at].marked(config))}

        kept: Any = task(name=_node_name(config))(run)
        results: list[Any] = await asyncio.gather(*(kept(at) for at in range(len(jobs))), return_exceptions=True)
        return [_failure(one) or one["fetched"] for one in results]
    marked = _marked(jobs, config)
    return await gather_with_concurrency(
        config.get("max_concurrency"), *(_acaught(partial(job.acall, config, marked[job.at])) for job in jobs)
    )


def _marked(jobs: list[Job], config: RunnableConfig) -> dict[int, RunnableConfig]:
    firsts = {job.at: job for job in reversed(jobs)}
    return {at: job.marked(config) for at, job in firsts.items()}


def _caught(call: Callable[[], Fetched]) -> Fetched | Exception:
    try:
        return call()
    except GraphBubbleUp:  # an interrupt or a hand-off of an inner graph is no failure
        raise
    except Exception as error:
        return error


async def _acaught(call: Callable[[], Awaitable[Fetched]]) -> Fetched | Exception:
    try:
        return await call()  # called here: a task that is cancelled before it begins would leave a coroutine behind
    except GraphBubbleUp:
        raise
    except Exception as error:
        return error


def _failure(result: Any) -> Exception | None:
    """The error in a result's place; what is no failure, such as a cancellation, is raised."""
    if isinstance(result, BaseException) and (isinstance(result, GraphBubbleUp) or not isinstance(result, Exception)):
        raise result
    return result if isinstance(result, Exception) else None


def _checkpointed(config: RunnableConfig) -> bool:
    """Whether results can be kept: there is a checkpointer, and room for tasks beside the node and the stream's waiter.

    LangGraph's executor runs tasks in the same slots as the node that waits for them.
    """
    limit = config.get("max_concurrency")
    return bool((config.get("configurable") or {}).get("__pregel_checkpointer")) and (limit is None or limit >= 3)


def _node_name(config: RunnableConfig) -> str:
    """A task goes by its node's name, so that traces and metadata name the step."""
    return str((config.get("metadata") or {}).get("langgraph_node") or "request")
