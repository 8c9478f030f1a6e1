"""What a reasoning step may be: five actions, each a prompt and a reader of what comes back, and who may follow whom.

Source: rStar (Qi et al., 2408.06195, section 3.1); prompts in own wording, without examples and for no domain in particular.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from langdistill.errors import ModelError
from langdistill.prompts import ANSWER_LINE, check, fill

ROOT = "root"
FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    ROOT: ("A1", "A2", "A3", "A5"),
    "A1": ("A1", "A2"),
    "A2": (),
    "A3": ("A1", "A2", "A3", "A4"),
    "A4": ("A1", "A2", "A3"),
    "A5": ("A1", "A2", "A3"),
}
"""The authors' table: thoughts are not left for sub-questions again, A4 comes only after A3, A5 only at the beginning."""

START = "{question}\n\n{so_far}"
"""What the prompts share: requests for the next steps of one path begin alike, which a server's prefix cache then reads once."""


@dataclass(frozen=True)
class Action:
    """A way to make the next step."""

    id: str
    """As in the paper."""
    does: str
    """In a few words."""
    prompt: str
    """Template with the places ``{question}`` and ``{so_far}``: the steps before, a line each, or nothing."""
    branches: bool = False
    """Whether a node has several children of it."""
    answers: bool = False
    """Whether a reply may end in an answer; such a reply is a leaf."""
    votes: bool = False
    """Whether several replies are asked for, of which the one with the answer of most is the step."""
    max_tokens: int = 256
    then: str | None = None
    """Template of a second request, for what the first gave (``{step}``): its replies vote."""

    def __post_init__(self) -> None:
        check(self.prompt, "question", "so_far")
        if self.then:
            check(self.then, "question", "so_far", "step")

    def asked(self, question: str, so_far: Sequence[str]) -> str:
        """The prompt after some steps."""
        return fill(self.prompt, question=question, so_far=so_far_told(so_far))

    def asked_then(self, question: str, so_far: Sequence[str], step: str) -> str:
        """The second prompt, for a step that the first gave."""
        assert self.then
        return fill(self.then, question=question, so_far=so_far_told(so_far), step=step)


CAN_ANSWER = "now we can answer"
"""What a last sub-question says, whatever its case; one that repeats the end of the question is the last, too."""


def so_far_told(so_far: Sequence[str]) -> str:
    """The steps before as a prompt tells them, a line each, or nothing."""
    return "\n".join(["Steps so far:", *so_far, ""]) + "\n" if so_far else ""


NEXT_THOUGHT = Action(
    "A1",
    "proposes one thought",
    START
    + "Write the next single step of the reasoning, in one or two sentences, and nothing after it. If it comes to the answer, "
    'end with one line that reads "Answer:" and then only the answer.',
    branches=True,
    answers=True,
)
REST = Action(
    "A2",
    "proposes all remaining steps",
    START + "Think step by step from here to the end. " + ANSWER_LINE,
    answers=True,
    votes=True,
    max_tokens=1024,
)
SUB_QUESTION = Action(
    "A3",
    "asks and answers a sub-question",
    START
    + "Which sub-question must be answered next? Write it in one line, and do not answer it. If nothing is left but the question "
    "itself, write: Now we can answer the question.",
    branches=True,
    answers=True,
    max_tokens=128,
    then=START + "{step}\nAnswer this in a few sentences. " + ANSWER_LINE,
)
AGAIN = Action(
    "A4",
    "answers that sub-question again",
    START + "The answer to the last sub-question may be wrong. Answer it again, step by step. " + ANSWER_LINE,
    max_tokens=512,
    votes=True,
)
REPHRASE = Action(
    "A5",
    "rephrases the question",
    START
    + "Rephrase the question: list each given condition in a line of its own, and then what is asked. Do not answer it.",
    max_tokens=512,
)
ACTIONS = (NEXT_THOUGHT, REST, SUB_QUESTION, AGAIN, REPHRASE)
"""All five, for any domain."""


@dataclass(frozen=True)
class Grammar:
    """Actions that are switched on, and who may follow whom."""

    actions: tuple[Action, ...] = ACTIONS
    followers: Mapping[str, Sequence[str]] = field(default_factory=lambda: FOLLOWERS)

    def __post_init__(self) -> None:
        _check(self)

    def after(self, action: str) -> list[Action]:
        """What may follow an action, or the question ("root"), in the order of the table."""
        known = {one.id: one for one in self.actions}
        return [known[id] for id in self.followers.get(action, ()) if id in known]

    def without(self, ids: Collection[str]) -> Grammar:
        """The same with actions switched off: the paper's own setting for one model has no A5.

        Raises:
            ModelError: no way leads to an answer any more, or there is no such action.
        """
        self._check_known(ids)
        return replace(self, actions=tuple(one for one in self.actions if one.id not in ids))

    def worded(self, prompts: Mapping[str, str], *, then: Mapping[str, str] | None = None) -> Grammar:
        """The same with other templates, by the id of the action; `grammars` has those of two domains.

        Args:
            prompts: templates with the places ``{question}`` and ``{so_far}``. Those that begin with `START` share what a server's
                cache keeps.
            then: those of second requests, with the place ``{step}`` besides.

        Raises:
            ModelError: there is no such action.
            PromptError: a template has other places.
        """
        second = then or {}
        self._check_known([*prompts, *second])
        return replace(
            self,
            actions=tuple(
                replace(one, prompt=prompts.get(one.id, one.prompt), then=second.get(one.id, one.then))
                for one in self.actions
            ),
        )

    def _check_known(self, ids: Collection[str]) -> None:
        if strange := sorted(set(ids) - {one.id for one in self.actions}):
            raise ModelError(
                f"There is no action {', '.join(strange)}; known are {', '.join(one.id for one in self.actions)}."
            )


def _check(grammar: Grammar) -> None:
    """Whether an answer can be reached.

    Raises:
        ModelError: two actions have one id, or no way leads from the question to an action that answers.
    """
    ids = [one.id for one in grammar.actions]
    if len(set(ids)) < len(ids):
        raise ModelError(f"Two actions have one id: {', '.join(ids)}. Give each an id of its own.")
    reached, ahead = dict[str, Action](), grammar.after(ROOT)
    while ahead:
        one = ahead.pop()
        if one.id not in reached:
            reached[one.id] = one
            ahead += grammar.after(one.id)
    if not any(one.answers for one in reached.values()):
        raise ModelError(
            f"No way leads from the question to an answer with the actions {', '.join(ids) or 'none'}. Switch on one that answers "
            "(A1, A2 or A3), and let it follow the question."
        )
