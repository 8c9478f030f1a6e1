"""How much of the prompts a server of vLLM had read before: what strategies save whose prompts begin alike."""

from __future__ import annotations

import re
from typing import NamedTuple

from langdistill.errors import StudentError
from langdistill.students.serving.endpoint import Endpoint, Served

COUNTER = re.compile(
    r"^vllm:prefix_cache_(?P<which>queries|hits)(?:_total)?(?:\{[^}]*\})? (?P<count>\S+)$", re.MULTILINE
)


class PrefixCache(NamedTuple):
    """Tokens of prompts; each of n replies to a request looks its whole prompt up."""

    queried: int
    """Looked up."""
    hit: int
    """Found, so that nothing was computed for them."""

    @property
    def share(self) -> float:
        """Hits of what was looked up; 0 where nothing was."""
        return self.hit / self.queried if self.queried else 0.0

    def since(self, before: PrefixCache) -> PrefixCache:
        """What came after an earlier count."""
        return PrefixCache(self.queried - before.queried, self.hit - before.hit)


def prefix_cache(server: str | Served) -> PrefixCache:
    """What the cache of a server has counted since it was started.

    vLLM keeps whole blocks of tokens (`--block-size`, on a processor 128 by default): what is shorter is never found.

    Args:
        server: its address, or what has one.

    Raises:
        StudentError: no server answers, or it has no such counters.
    """
    endpoint = Endpoint.of(server)
    found = {"queries": 0.0, "hits": 0.0}
    told = list(COUNTER.finditer(endpoint.metrics()))
    if not told:
        raise StudentError(
            f"The server at {endpoint.url} counts no prefix cache at /metrics. Give one of vLLM that was started without "
            "--no-enable-prefix-caching and --disable-log-stats."
        )
    for one in told:  # one for each engine
        found[one["which"]] += float(one["count"])
    return PrefixCache(int(found["queries"]), int(found["hits"]))
