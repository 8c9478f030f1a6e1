"""What every station reads and writes: frozen, versioned, plain data.

A message on disk is a dict in the OpenAI chat shape; no LangChain class ever reaches it. Trees are flat lists with a parent
index. Derived facts are properties. Gold answers are not here: they live apart, so that no selector can read them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import (
    Any,
    Literal,
    NotRequired,  # pydantic needs this one below Python 3.12
    cast,
)

import orjson
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

TRACE_VERSION = 2
"""Raised when a stored trace of an older release can no longer be read as it is."""


class Message(TypedDict):
    """One chat message in the OpenAI chat shape."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[Any] | None
    name: NotRequired[str]
    tool_calls: NotRequired[list[dict[str, Any]]]
    tool_call_id: NotRequired[str]
    reasoning_content: NotRequired[str]


class Record(BaseModel):
    """Base of the records: frozen, and closed against misspelt fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Record):
    """One question, without its answer."""

    id: str
    """Stable across runs; splits and groups go by it. A variant carries the id of the problem that it came from."""
    question: str
    perturbation: str | None = None
    """Name of the family that changed the question without changing its answer; `None` for the original."""

    @property
    def metadata(self) -> dict[str, str]:
        """What a run's config must carry, so that its trace can be grouped: ``{"metadata": problem.metadata}``."""
        return {"problem": self.id} | ({"perturbation": self.perturbation} if self.perturbation else {})


class Usage(Record):
    """Tokens of one model call, all its replies together."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Reply(Record):
    """One of the n replies of a call."""

    message: Message
    finish_reason: str | None = None
    logprobs: list[Any] | None = None
    partial: bool = False
    """What had been streamed of it when the call failed or was cancelled."""


Outcome = Literal["ended", "failed", "interrupted", "handed-off", "cancelled", "lost"]
"""How a run stopped. To ask a human and to hand over to another agent are no failures; "lost" is a run whose process died."""


class Step(Record):
    """One run of a node: where calls and tools happened, and in which order."""

    name: str
    path: str = ""
    """Where in the graph, from the root: "think/sample"."""
    parent: int | None = None
    """Index of the enclosing step in `Trace.steps` (the node that holds the sub-graph); `None` at the top."""
    agent: str | None = None
    """Name of the agent that the node belongs to, where it is one's."""
    branch: int | None = None
    """Index of the `Send` that started it; `None` for a node that an edge led to."""
    attempt: int = 1
    """Of the retries that LangGraph makes of one task, counted from 1."""
    started: float = 0.0
    ended: float = 0.0
    outcome: Outcome = "ended"
    error: str | None = None


class Call(Record):
    """One model call: what was asked, and all n replies."""

    id: str
    step: int | None = None
    """Index in `Trace.steps` of the node that made it; `None` outside of a graph."""
    parent: int | None = None
    """Index in `Trace.calls` of the call whose tool made it (a sub-agent that is a tool, say); `None` at the top."""
    path: str = ""
    """Where in the graph, from the root: "think/sample"."""
    node: str | None = None
    branch: int | None = None
    """Index of the `Send` that it is part of."""
    strategy: str | None = None
    candidate: bool = False
    """Whether its replies are candidates for the final answer, as opposed to rewrites, sub-questions or criteria.

    Never in a node that failed: what it had been told there never reached the graph."""
    refinement: bool = False
    """Whether its prompt showed an earlier answer to the same question, which it was to better."""
    hint: str | None = None
    """What the prompt told of the gold answer, word for word: nothing that is learnt may hold it. `None` where it told nothing."""
    retries: int | None = None
    """Index of the failed call that asked the same before; a fallback where the model is another."""
    cached: bool = False
    """Answered from LangChain's cache: nothing was spent."""
    model: str | None = None
    provider: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    tools: list[dict[str, Any]] = Field(default_factory=list)
    """Schemas of the tools that were offered, called or not."""
    prompt: list[Message] = Field(default_factory=list)
    replies: list[Reply] = Field(default_factory=list)
    usage: Usage = Usage()
    started: float = 0.0
    """Seconds since the epoch."""
    first_token: float | None = None
    """When the first token came, of a streamed reply."""
    ended: float = 0.0
    error: str | None = None
    """Text "cancelled" where nobody waited for it any more."""


class ToolRun(Record):
    """One execution of a tool, with the arguments it really ran with; a human may have changed those that were asked."""

    id: str
    name: str
    step: int | None = None
    """Index in `Trace.steps` of the node that ran it."""
    call: int | None = None
    """Index in `Trace.calls` of the call that asked for it."""
    tool_call_id: str | None = None
    path: str = ""
    arguments: Any = None
    output: Any = None
    started: float = 0.0
    ended: float = 0.0
    error: str | None = None


class Interrupt(Record):
    """A question to a human at which a run stopped."""

    id: str
    """LangGraph's; the run that goes on answers it by this."""
    value: Any = None
    path: str = ""


class Handoff(Record):
    """One agent gave the conversation to another."""

    source: str
    """Path of the node that handed over."""
    target: str
    """Name of the node or agent that it goes to."""


class Thought(Record):
    """A node of a tree of reasoning steps."""

    parent: int | None = None
    """Index in `Search.thoughts`, always lower than its own; `None` for the root, which is the first."""
    action: str = ""
    """What made the step: "A3"."""
    text: str = ""
    answer: str | None = None
    """To the question, of a step that ends in one."""
    reward: float | None = None
    """Of a leaf."""
    visits: int = 0
    """N: rollouts that went through; of Tree of Thoughts the judgements of it that could be read."""
    value: float = 0.0
    """Q: the sum of their rewards, or of what they judge."""
    agreed: int = 0
    """Completions of a second model, of the way to here, that came to the same answer."""
    completed: int = 0
    """Completions that there were."""


class Search(Record):
    """A tree of reasoning steps that a node of the run searched for an answer.

    A node is recorded as such that returns one under the key `searched`, as a dict with `thoughts` and `chosen`.
    """

    step: int | None = None
    """Index in `Trace.steps` of the node."""
    thoughts: list[Thought]
    chosen: int | None = None
    """Index of the leaf whose answer was given; `None` where there was none."""


SEARCHED = "searched"
"""Key of a node's update under which a recorder finds a `Search`."""


class Feedback(Record):
    """What a user said of a run, afterwards."""

    name: str | None = None
    """What was judged, where there is more than one thing to judge: "helpful"."""
    score: float | None = None
    """From 0, bad, to 1, good, unless your own scale says otherwise."""
    comment: str | None = None
    at: float = 0.0


class Trace(Record):
    """One root run: a graph, or a bare model call."""

    id: str
    version: int = TRACE_VERSION
    source: str | None = None
    """The importer that it came through; `None` where it was recorded here."""
    name: str = ""
    """Name of the root run: the graph's name, or the model's class."""
    strategy: str | None = None
    thread: str | None = None
    user: str | None = None
    """Whose run it was: `user_id` of the run's metadata."""
    continues: str | None = None
    """Id of the interrupted trace of the same thread that this one resumes."""
    resume: Any = None
    """What the human answered to it."""
    input: list[Message] = Field(default_factory=list)
    """The conversation that the root worked on: the earlier turns of its thread, then what it was given."""
    earlier: int = 0
    """How many messages of `input` are earlier turns."""
    output: list[Message] = Field(default_factory=list)
    """The messages that the root ended with, without the input."""
    answer: str | None = None
    """The `answer` of a graph that gives one."""
    steps: list[Step] = Field(default_factory=list)
    calls: list[Call] = Field(default_factory=list)
    tool_runs: list[ToolRun] = Field(default_factory=list)
    interrupts: list[Interrupt] = Field(default_factory=list)
    handoffs: list[Handoff] = Field(default_factory=list)
    searches: list[Search] = Field(default_factory=list)
    """In the order in which they ended."""
    feedback: list[Feedback] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    consent: str | None = None
    """What the user agreed to, in your own words: "training". From the run's metadata, or the recorder's default."""
    licence: str | None = None
    """Under which terms its texts may be used. From the run's metadata, or the recorder's default."""
    started: float = 0.0
    ended: float = 0.0
    outcome: Outcome = "ended"
    error: str | None = None
    lost: int = 0
    """Events of this run that could not be kept; a trace that lost some is incomplete."""
    expires: float | None = None
    """When a store forgets it; `None` for never. Seconds since the epoch."""

    @property
    def interrupted(self) -> bool:
        """Whether it stopped to ask a human; not an error."""
        return self.outcome == "interrupted"

    @property
    def problem(self) -> str:
        """Id of the problem it worked on. A run that names none goes by its question: run ids would make every harvest differ.

        One that has no question either is a problem of its own.
        """
        named = self.metadata.get("problem")
        return str(named) if named else f"question-{digest(self.input)[:16]}" if self.input else self.id

    @property
    def perturbation(self) -> str | None:
        """Family that changed the question, `None` for the original."""
        return self.metadata.get("perturbation")

    @property
    def score(self) -> float | None:
        """Mean score of its feedback; `None` where no score was given."""
        scores = [one.score for one in self.feedback if one.score is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def output_tokens(self) -> int:
        """Generated tokens, thinking included."""
        return sum(call.usage.output_tokens for call in self.calls)


class Verdict(Record):
    """What a filter says of a problem."""

    filter: str
    version: int = 1
    keep: bool | None
    """`None`: could not judge, which is neither yes nor no."""
    reason: str
    """A slug that rejects are counted by: "agreed", "split-vote", "incomplete"."""
    score: float | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)
    dropped: dict[int, str] = Field(default_factory=dict)
    """Of a problem that stays with fewer rows: index of each row that goes, and why."""
    unjudged: dict[int, str] = Field(default_factory=dict)
    """Of a problem that stays: index of each row that it could not judge, and why. A harvest's policy decides of them."""
    targets: dict[int, list[Message]] = Field(default_factory=dict)
    """Index of a row to what the student shall say there instead."""


class Example(Record):
    """One row of a data set: what the student sees, and what it must say."""

    messages: list[Message]
    """The prompt."""
    target: list[Message]
    """What follows. The assistant's messages are learnt; what comes between them (tool results, a user's next turn) is
    context."""
    tools: list[dict[str, Any]] = Field(default_factory=list)
    """Schemas of the tools that were offered, called or not, in the OpenAI shape."""
    rejected: list[Message] | None = None
    """A worse answer to the same prompt, where a format needs one."""
    margin: float | None = None
    """By how much the target is better, on the scale of whatever judged them."""
    good: bool | None = None
    """Whether the target is one to imitate; for formats that learn from bad ones, too."""
    steps: list[tuple[str, bool | None]] | None = None
    """The target in steps, each with its label, for formats that judge steps; `None` in a label for one that nobody judged."""
    step_values: list[float | None] | None = None
    """What the label of each step was made of, where that is a number: how good it is, from 0 to 1. `None` for one that nobody judged."""
    shared_steps: int | None = None
    """With how many steps the target and the rejected answer begin alike, where both are ways through one tree."""
    logprobs: list[Any] | None = None
    """The teacher's log-probabilities per token of the target, as its server told them (OpenAI shape, with `top_logprobs`)."""
    tokenizer: str | None = None
    """Whose tokens `logprobs` are of: the name of the teacher's tokenizer, or of the teacher."""
    privileged: str | None = None
    """What the teacher knew and the student will not be shown: its thinking, or feedback."""
    reasoning: str | None = None
    """The thinking alone, where the target holds it."""
    answer: str | None = None
    """The final answer alone."""
    problem: str
    seed: str | None = None
    """The problem that this one was made from by rewording or mining; they share a side of the split."""
    trace: str
    """Id of the trace that the row is from."""
    traces: list[str] = Field(default_factory=list)
    """Ids of every trace that the row was made of, those of changed questions, too."""
    call: str | None = None
    """Id of the model call that the target is the reply of, where it is one."""
    hint_used: bool = False
    """Whether a model that had been told the gold answer said the target, or one of the votes for it."""
    model: str | None = None
    """Who said the target."""
    at: float = 0.0
    """When; seconds since the epoch."""
    weight: float = 1.0
    """How much the row counts in the loss."""
    style: str | None = None
    """Which of several texts of one example this is: "zero_shot_cot"."""
    consent: str | None = None
    """What the users agreed to whose runs it was made of; several are joined by "; "."""
    licence: str | None = None
    """Under which terms its texts may be used; several are joined by "; "."""
    verdicts: list[Verdict] = Field(default_factory=list)
    split: Literal["train", "validation"] | None = None

    @property
    def content(self) -> str:
        """Digest of what the row says, whichever run it is from and whenever that was."""
        said = self.model_dump(exclude=_NOT_CONTENT)
        return digest({name: value for name, value in said.items() if value is not None or name not in _ADDED})

    @property
    def is_answer_alone(self) -> bool:
        """Whether the target says its final answer and nothing else."""
        return len(self.target) == 1 and self.answer is not None and text_of(self.target[0]) == self.answer


_NOT_CONTENT = {"trace", "traces", "call", "hint_used", "at", "verdicts", "split"}
_ADDED = {"step_values", "shared_steps"}
"""Fields that came later: a row without them has the digest that it had before."""


def text_of(message: Mapping[str, Any]) -> str | None:
    """The text of a message, its text blocks joined; `None` where it has none."""
    content = message.get("content")
    if isinstance(content, list):
        blocks = [one.get("text") if isinstance(one, dict) else one for one in cast("list[Any]", content)]
        content = "".join(text for text in blocks if isinstance(text, str)) or None
    return content if isinstance(content, str) else None


def canonical(value: Any) -> bytes:
    """JSON with sorted keys: equal values give equal bytes, also where they hold half a surrogate pair or a number of any size."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(*parts: bytes | str | Mapping[str, Any] | Iterable[Any]) -> str:
    """SHA-256 over the parts, in order, as hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        text = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        data = text if isinstance(text, bytes) else canonical(text)
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()
