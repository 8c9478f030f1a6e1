"""On-policy distillation: the reverse divergence from a teacher, on nothing but what the student says itself.

The setting of `gkd` that Agarwal et al. (2306.13649) call on-policy with reverse KL, with samples drawn at temperature 1. MiniLLM (Gu
et al., 2306.08543) minimises the same divergence; its policy gradient also counts what a token does to later ones, which is left
out here.
"""

from __future__ import annotations

from pathlib import Path

from langdistill.students.card import Student
from langdistill.students.train.objectives.gkd import Gkd
from langdistill.students.train.trainers.on_samples import check_shares
from langdistill.students.train.trainers.teacher import teacher_of


class OnPolicy(Gkd):
    """See `on_policy`."""


def on_policy(teacher: str | Path | Student | None = None, *, max_tokens: int = 128) -> OnPolicy:
    """Learn a teacher's distributions on the student's own answers; the answers of the rows are not read.

    Args:
        teacher: folder of a model with the student's tokenizer, its name on the hub, or a student.
        max_tokens: of a sampled answer.

    Raises:
        StudentError: no teacher, none there, or a setting out of its range.
    """
    check_shares("on_policy", 1, 1, 1, max_tokens)
    return OnPolicy(teacher_of(teacher, "on_policy"), 1.0, 1.0, 1.0, max_tokens, False)
