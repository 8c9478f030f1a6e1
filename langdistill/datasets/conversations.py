"""What was said in a run, as one conversation: a prompt, and everything that followed.

A trace knows it as its input and output, or, where its graph gives back the last message alone, as the prompt and reply of its
last call, or, of recorders that keep no prompts, as its replies with the results of their tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from langdistill.datasets.calls import spoken
from langdistill.records import Call, Message, Reply, ToolRun, Trace, digest, text_of

NOT_WHOLE = {
    "failed": "failed-runs",
    "cancelled": "cancelled-runs",
    "lost": "lost-runs",
    "interrupted": "unfinished-runs",
}


@dataclass(frozen=True)
class Conversation:
    """A run, or what one agent did in it."""

    prompt: list[Message]
    """As the model was sent it before the first of its messages here."""
    target: list[Message]
    """Everything that followed up to the last reply: the assistant's messages, tool results, what users said in between."""
    calls: tuple[Call, ...]
    """Those that said it, in the order of saying."""

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Every tool that was on offer in some call, called or not; of two schemas of one name the first."""
        found: dict[Any, dict[str, Any]] = {}
        for tool in (tool for call in self.calls for tool in call.tools):
            function = tool.get("function")
            name = (function if isinstance(function, dict) else tool).get("name")
            found.setdefault(name or digest(tool), tool)
        return list(found.values())


def conversation_of(trace: Trace, *, learn_earlier: bool = False) -> Conversation | str:
    """The conversation of a run, or a slug that says why there is none to learn.

    What the run said follows the prompt; earlier turns of the thread are part of that. A run that goes on after it had asked a
    human follows the last message of a user: what was said before the question to the human is its own, too. The prompt is
    that of the first call, system prompt and all, even where later calls were sent another one; messages are as the model said
    them, unless somebody changed them afterwards.

    Args:
        trace: of the run.
        learn_earlier: what the assistant said in earlier turns follows the prompt, too.
    """
    if reason := not_whole(trace):
        return reason
    calls = [call for call in trace.calls if call.parent is None and spoken(trace, call)]
    told = _told(trace, calls)
    asked = _asked(trace, told)
    sayings = _sayings(told, calls, asked)
    start = _begin(trace, told, asked, sayings, learn_earlier)
    return _conversation(told, start, sayings, calls)


def not_whole(trace: Trace) -> str | None:
    """A slug that says why a run is none to imitate as a whole; `None` where it is."""
    return NOT_WHOLE.get(trace.outcome) or ("incomplete-runs" if trace.lost else None)


def conversations_of_agent(trace: Trace, agent: str) -> list[Conversation]:
    """What one agent of a run said, under its own prompt: a conversation for each time that another one spoke before it."""
    chains: list[list[tuple[Call, Reply]]] = []
    for call in trace.calls:
        if call.step is None or trace.steps[call.step].agent != agent:
            continue
        for reply in spoken(trace, call):
            before = [chain for chain in chains if _is_next(_sent(*chain[-1]), _body(call.prompt))]
            if before:
                max(before, key=len).append((call, reply))
            else:
                chains.append([(call, reply)])
    found = [_of_chain(chain) for chain in chains]
    return [one for one in found if isinstance(one, Conversation)]


def _is_next(before: Sequence[Message], prompt: Sequence[Message]) -> bool:
    """Whether a prompt goes on where a conversation stopped, and no other agent has spoken since: its words are not learnt."""
    return _goes_on(before, prompt) and not any(one["role"] == "assistant" for one in prompt[len(before) :])


def _of_chain(chain: Sequence[tuple[Call, Reply]]) -> Conversation | str:
    start = len(_body(chain[0][0].prompt))
    told = _sent(*chain[-1])
    return _conversation(told, start, _sayings(told, [call for call, _ in chain], start), [])


@dataclass(frozen=True)
class _Saying:
    call: Call
    reply: Reply
    exact: bool
    """Whether the call was sent just what stands before the message."""


def _conversation(
    told: list[Message], start: int, sayings: dict[int, _Saying], others: Sequence[Call]
) -> Conversation | str:
    end = max((at + 1 for at in range(start, len(told)) if told[at]["role"] in ("assistant", "tool")), default=0)
    target = [sayings[at].reply.message if at in sayings else told[at] for at in range(start, end)]
    if not any(one["role"] == "assistant" for one in target):
        return "no-reply"
    calls = tuple(sayings[at].call for at in sorted(sayings) if at >= start) or tuple(others)
    prompt = _prompt(told[:start], sayings.get(start), calls)
    if not any(one["role"] == "user" for one in prompt):
        return "no-question"
    return Conversation(prompt, target, calls)


def _prompt(before: list[Message], first: _Saying | None, calls: Sequence[Call]) -> list[Message]:
    """What the first call was sent, where that ends in the same question; else what stands before, under its system prompt."""
    question = _question(before)
    if first and question is not None and _question(first.call.prompt) == question:
        return first.call.prompt
    system = _system(calls[0].prompt) if calls else []
    return [*system, *_body(before)] if system else before


def _told(trace: Trace, calls: Sequence[Call]) -> list[Message]:
    """Everything that was said: as the trace has it, or, where calls of tools are missing in that, as its calls do."""
    own = [*trace.input, *trace.output]
    if calls and not any(call.prompt for call in calls[1:]):
        other = [*(trace.input or calls[0].prompt), *_replayed(trace, calls)]
    else:
        other = _sent_last(trace, calls)
    return other if _asking(other) > _asking(own) else own


def _sent_last(trace: Trace, calls: Sequence[Call]) -> list[Message]:
    """Prompt and reply of the call that ended the run; nothing where that was asked something else than the run."""
    said = [(call, reply) for call in calls for reply in spoken(trace, call)]
    final = _key(trace.output[-1]) if trace.output else None
    ending = [one for one in said if _key(one[1].message) == final] or said
    sent = _sent(*ending[-1]) if ending else []
    question = _question(trace.input)
    return sent if question is None or any(_key(one) == question for one in sent) else []


def _replayed(trace: Trace, calls: Sequence[Call]) -> Iterator[Message]:
    """The replies in their order, each with the results of its tools."""
    for call in calls:
        reply = call.replies[0].message
        yield reply
        for asking in reply.get("tool_calls", []):
            ran = next((run for run in trace.tool_runs if run.tool_call_id == asking["id"]), None)
            if ran is not None:
                yield _result(ran, asking)


def _result(run: ToolRun, asking: dict[str, Any]) -> Message:
    output = run.output
    if isinstance(output, dict) and output.get("role") == "tool":
        return cast("Message", output)
    text = output if isinstance(output, str) else text_of(output) if isinstance(output, dict) else None
    said = text or run.error or orjson.dumps(output, default=str).decode()
    return {"role": "tool", "content": said, "tool_call_id": asking["id"], "name": run.name}


def _asked(trace: Trace, told: list[Message]) -> int:
    """Where what the run was given ends."""
    given = len(trace.input)
    if given and not trace.continues and told[:given] == trace.input:
        return given
    question = _question(trace.input)
    of_user = [at for at, one in enumerate(told) if one["role"] == "user" and question in (None, _key(one))]
    return of_user[-1] + 1 if of_user else given


def _begin(trace: Trace, told: list[Message], asked: int, sayings: dict[int, _Saying], learn_earlier: bool) -> int:
    """Where what is learnt begins. In an imported chat several turns may be the run's own: calls of it said them."""
    if learn_earlier and trace.earlier:
        return next((at for at, one in enumerate(told[:asked]) if one["role"] == "assistant"), asked)
    exact = [at for at, one in sayings.items() if one.exact]
    return min(exact) if any(at >= asked for at in exact) and min(exact) < asked else asked


def _sayings(told: list[Message], calls: Sequence[Call], start: int) -> dict[int, _Saying]:
    """Index of each message to the call that said it; from `start` on even where that was sent something shorter."""
    found: dict[int, _Saying] = {}
    waiting: list[tuple[Call, Reply]] = []
    system = len(_system(told))
    for call in calls:
        before = _body(call.prompt)
        at = system + len(before)
        replies = [reply for reply in call.replies if not reply.partial]
        same = [reply for reply in replies if at < len(told) and _same(reply.message, told[at])]
        if same and at not in found and _goes_on(before, told[system:at]):
            found[at] = _Saying(call, same[0], True)
        else:
            waiting += [(call, reply) for reply in replies]
    for call, reply in waiting:
        places = (at for at in range(start, len(told)) if at not in found and _same(reply.message, told[at]))
        if (at := next(places, None)) is not None:
            found[at] = _Saying(call, reply, False)
    return found


def _goes_on(before: Sequence[Message], after: Sequence[Message]) -> bool:
    """Whether a conversation begins as another one."""
    return len(before) <= len(after) and all(_same(one, other) for one, other in zip(before, after, strict=False))


def _sent(call: Call, reply: Reply) -> list[Message]:
    return [*_body(call.prompt), reply.message]


def _body(messages: Sequence[Message]) -> list[Message]:
    """The messages after the system prompt."""
    first = next((at for at, one in enumerate(messages) if one["role"] != "system"), len(messages))
    return list(messages[first:])


def _system(messages: Sequence[Message]) -> list[Message]:
    """The system prompt that a prompt begins with."""
    return list(messages[: len(messages) - len(_body(messages))])


def _question(messages: Sequence[Message]) -> str | None:
    return next((_key(one) for one in reversed(messages) if one["role"] == "user"), None)


def _asking(messages: Iterable[Message]) -> int:
    return sum(len(one.get("tool_calls", [])) for one in messages)


def _same(one: Message, other: Message) -> bool:
    return one is other or one == other or (one["role"] == other["role"] and _key(one) == _key(other))


def _key(message: Message) -> str:
    """Of what was said: not of the name that a graph gives to who says it, nor of how its arguments are spelt."""
    asked = [
        (call["function"]["name"], _parsed(call["function"]["arguments"])) for call in message.get("tool_calls", [])
    ]
    return digest([message["role"], message["content"] or "", asked])


def _parsed(arguments: Any) -> Any:
    try:
        return orjson.loads(arguments)
    except (orjson.JSONDecodeError, TypeError):
        return arguments
