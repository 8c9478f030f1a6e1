"""Work on many things at once and take each result as it comes: in threads, or on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from concurrent.futures import as_completed
from typing import TypeVar

from langchain_core.runnables.config import ContextThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")


def together(
    work: Callable[[Item], Result], items: Sequence[Item], at_once: int
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with its result, in the order in which they come.

    An error ends it: what has not begun is not begun, and what is under way is waited for, but not after Ctrl-C.
    """
    pool = ContextThreadPoolExecutor(max_workers=max(1, min(at_once, len(items))))
    waiting = {pool.submit(work, item): item for item in items}
    wait = False
    try:
        for done in as_completed(waiting):
            yield waiting[done], done.result()
        wait = True
    except Exception:
        wait = True
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


async def atogether(
    work: Callable[[Item], Awaitable[Result]], items: Sequence[Item], at_once: int
) -> AsyncGenerator[tuple[Item, Result], None]:
    """The same on the event loop; an error cancels what is under way."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: Item) -> tuple[Item, Result]:
        async with gate:
            return item, await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
