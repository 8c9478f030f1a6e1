"""Which messages of a thread are earlier turns, what a run was given, and what it has added. Messages are numbers here."""

from __future__ import annotations

from dataclasses import dataclass, field

Numbers = list[int]


@dataclass(frozen=True)
class Turns:
    """What is known of the conversation of a run."""

    given: Numbers
    """What the root was given."""
    state: Numbers
    """The conversation in the state of the graph as the first step got it."""
    output: Numbers
    """What the root ended with."""
    whole: bool = False
    """Whether that is the conversation in the state of the graph: earlier turns, what was given, what was added."""
    fresh: list[bool] = field(default_factory=list)
    """Of each message in `output`, whether a model or a tool said it in this run."""
    wrote: bool = False
    """Whether a node may have written the last message without a model."""

    @property
    def begins_with(self) -> Numbers:
        """The conversation at the beginning; without the earlier turns where the first step was sent something else."""
        return self.state if self.state[len(self.state) - len(self.given) :] == self.given else self.given

    def split(self) -> tuple[Numbers, Numbers]:
        """The conversation before the run's own messages, and these."""
        begins = self.begins_with
        if not self.whole:
            return begins, self.output
        own = self._own_from(begins)
        return begins or self.output[:own], self.output[own:]

    def _own_from(self, begins: Numbers) -> int:
        """Where in the conversation at the end the run's own messages begin."""
        if begins and self.output[: len(begins)] == begins:
            return len(begins)
        if not self.given:
            return self._first_fresh()
        before = _end_of(self.given, self.output)
        return (
            len(self.output) - 1 if before is None else before
        )  # the question is gone: the last message is the answer

    def _first_fresh(self) -> int:
        """Of a run that goes on from a stop."""
        if any(self.fresh):
            return self.fresh.index(True)
        return len(self.output) - (self.wrote and bool(self.output))


def _end_of(given: Numbers, output: Numbers) -> int | None:
    """The end of the last place where the input stands in the output."""
    for start in range(len(output) - len(given), -1, -1):
        if output[start : start + len(given)] == given:
            return start + len(given)
    return None
