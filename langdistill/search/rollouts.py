"""Rollouts at once over one tree: which nodes are to be expanded next, and what becomes of everybody once they are.

Everything here follows from the seed and from what expansions gave, in their order: a search that was interrupted is the same
search again when these are replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from langdistill.answers import normalise
from langdistill.search.settings import Settings
from langdistill.search.tree import Step, Tree


class Rollouts:
    """A search under way."""

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        """Send the first rollouts off.

        Args:
            settings: of the search.
            seed: of every draw.
        """
        self.tree = Tree(exploration=settings.exploration, seed=seed)
        self.ended: list[int] = []
        """The leaf of each rollout that came back, in their order."""
        self._settings = settings
        self._begun = 0
        self._paths: dict[int, list[int]] = {}
        self._streams: dict[int, Random] = {}
        self._send_off()

    def wanted(self) -> list[int]:
        """Nodes at which a rollout waits to be expanded, each once; none when the search is over.

        Of a search that is settled the rollouts still under way are given up.
        """
        return [] if self.settled else list(dict.fromkeys(path[-1] for path in self._paths.values()))

    def grow(self, grown: Mapping[int, Sequence[Step]]) -> None:
        """Expand what was wanted, and go on to where something is wanted again."""
        for index, steps in grown.items():
            self.tree.expand(index, steps)
        for rollout in list(self._paths):
            self._go_on(rollout)
        self._send_off()

    @property
    def rewards(self) -> dict[str, float]:
        """Answer, normalised, to the sum of its rollouts' rewards, in the order of first appearance."""
        found: dict[str, float] = {}
        for leaf in self.ended:
            step = self.tree.nodes[leaf].step
            if step.answer is not None:
                key = normalise(step.answer)
                found[key] = found.get(key, 0.0) + (step.reward or 0.0)
        return found

    @property
    def settled(self) -> bool:
        """Whether the leading answer has a large enough share of all rewards, or none could catch up with it."""
        enough, rewards = self._settings.enough, sorted(self.rewards.values(), reverse=True)
        if enough is None or len(self.ended) < 2 or not rewards:
            return False
        ahead = rewards[0] - (rewards[1] if len(rewards) > 1 else 0.0)
        return rewards[0] >= enough * len(self.ended) or ahead > self._settings.rollouts - len(self.ended)

    def _send_off(self) -> None:
        """Begin rollouts as long as there are some left, and fewer under way than may be.

        One that comes to a leaf that is known is over at once.
        """
        while self._begun < self._settings.rollouts and len(self._paths) < self._settings.at_once and not self.settled:
            rollout, stream = self._begun, self.tree.stream(self._begun)
            self._begun += 1
            path = self.tree.select(stream)
            self.tree.enter(path)
            self._paths[rollout], self._streams[rollout] = path, stream
            if self._is_over(path[-1]):
                self._come_back(rollout)

    def _go_on(self, rollout: int) -> None:
        """Walk down by random children: to a node that is still to be expanded, or to the end."""
        path, stream = self._paths[rollout], self._streams[rollout]
        while children := self.tree.nodes[path[-1]].children:
            untried = [one for one in children if not self.tree.nodes[one].tried]
            step = stream.choice(untried or children)
            path.append(step)
            self.tree.enter([step])
        if self._is_over(path[-1]):
            self._come_back(rollout)

    def _is_over(self, index: int) -> bool:
        return self.tree.nodes[index].step.terminal

    def _come_back(self, rollout: int) -> None:
        path = self._paths.pop(rollout)
        del self._streams[rollout]
        self.tree.leave(path)
        self.tree.back_up(path, self.tree.nodes[path[-1]].step.reward or 0.0)
        self.ended.append(path[-1])
