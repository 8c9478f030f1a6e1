"""What `langdistill mine` prints: the plan, the rounds, and the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from langdistill.mining.ledger import Account, Round


def plan_table(plan: Sequence[Round]) -> Table:
    """The pools and calls of each round, and their sums."""
    from langdistill.mining.ledger import ROLES, total

    table = Table("round", "train pool", "cache pool", *ROLES, box=None, pad_edge=False)
    for one in plan:
        calls = (f"{getattr(one, role):,}" for role in ROLES)
        table.add_row(str(one.round), f"{one.train:,}", f"{one.cache:,}", *calls)
    table.add_row("all", "", "", *(f"{count:,}" for count in total(list(plan)).values()))
    return table


def rounds_table(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """What each round found."""
    from langdistill.datasets.refusing import counted

    table = Table(
        "round", "judged", "hard", "share", "mean difference", "left out", "accepted (hard + easy)", "tries", "rejected",
        box=None, pad_edge=False,
    )  # fmt: skip
    for one in rounds:
        low, high = one["interval"]
        mean = one["mean_difference"]
        accepted = one.get("accepted") or {"hard": 0, "easy": 0}
        table.add_row(
            str(one["round"]), f"{one['judged']:,}", f"{one['hard']:,}", f"{one['share_hard']:.2f} [{low:.2f}, {high:.2f}]",
            "" if mean is None else f"{mean:.2f}", str(one["unanswered"] + one["unread"]),
            f"{accepted['hard']} + {accepted['easy']}", str(one.get("tries", 0)),
            counted(one.get("rejected", {})),
        )  # fmt: skip
    return table


def ledger_table(found: Mapping[str, Account], costs: Mapping[str, float]) -> Table:
    """Calls, tokens and money by role."""
    table = Table("role", "calls", "tokens read", "tokens written", "cost", box=None, pad_edge=False)
    for role, one in found.items():
        money = f"{costs[role]:.4g}" if role in costs else ""
        table.add_row(role, f"{one.calls:,}", f"{one.input_tokens:,}", f"{one.output_tokens:,}", money)
    return table
