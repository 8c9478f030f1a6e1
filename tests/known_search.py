"""A search by hand, of which every figure is known."""

from __future__ import annotations

from langdistill.records import Search, Thought

KNOWN = Search(
    chosen=2,
    thoughts=[
        Thought(action="root", visits=5, value=3.25),
        Thought(parent=0, action="A1", text="Half of 12 is 6.", visits=3, value=2.75),
        Thought(parent=1, action="A2", text="6 + 1 = 7.\nAnswer: 7", answer="7", reward=1.0, visits=2, value=2.0, agreed=3, completed=4),
        Thought(parent=1, action="A2", text="6 + 2 = 8.\nAnswer: 8", answer="8", reward=0.75, visits=1, value=0.75, agreed=1, completed=4),
        Thought(parent=1, action="A1", text="6 + 1 = 7."),
        Thought(parent=0, action="A2", text="12 + 1 = 13.\nAnswer: 13", answer="13", reward=0.25, visits=2, value=0.5, agreed=0, completed=3),
        Thought(parent=0, action="A3", text="What is half of 12? It is 6.", visits=0),
        Thought(parent=6, action="A2", text="6 + 1 = 7.\nAnswer: 7.0", answer="7.0", reward=1.0),
        Thought(parent=1, action="A3", text="Now we can answer. 6 + 2.\nAnswer: 8", answer="8", reward=0.5),
    ],
)  # fmt: skip
"""Nine thoughts: three answers came of rollouts, of which 7 is verified and chosen; four thoughts were never visited."""


def chain(depth: int, beside: int = 0) -> Search:
    """A search as deep as asked for, with so many other thoughts at each step; the deepest is chosen and verified."""
    thoughts = [Thought(action="root", visits=1)]
    for level in range(depth):
        at = len(thoughts) - 1 if not level else len(thoughts) - 1 - beside
        ends = level == depth - 1
        thoughts.append(
            Thought(parent=at, action="A1", text=f"step {level}", visits=1, value=1.0, answer="end" if ends else None,
                    agreed=ends, completed=ends)
        )  # fmt: skip
        thoughts += [
            Thought(parent=at, action="A1", text=f"beside {level}.{one}", visits=one % 2) for one in range(beside)
        ]
    return Search(thoughts=thoughts, chosen=len(thoughts) - 1 - beside)
