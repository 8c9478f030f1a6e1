"""What is written down of a run, one event at a time: short lists, told apart by their first entry.

    [ROOT, time, about, messages, input, resume]                about: id, name, kind, tags, thread, user, metadata, ...
    [STEP, time, number, parent's number, name, namespace, agent, branch, messages, conversation]
    [STEP_END, time, number, outcome, error, interrupts, hand-offs]
    [CALL, time, number, step, tool, run id, name, namespace, marks, params, tools, messages, like, keep, prompt]
    [CALL_END, time, number, messages, replies, usage, cached, first token, error]
    [TOOL, time, number, step, run id, name, namespace, tool call id, arguments]
    [TOOL_END, time, number, messages, message, value, error]
    [END, time, outcome, error, messages, output, whether that is a state, answer, interrupts, lost, late input]
    [FEEDBACK, time, trace id, name, score, comment]
    [SEARCHED, time, number of the step, thoughts and what was chosen]

`messages` are the pairs of number and message that no earlier event of the root has told; every other message is a number, and
so are params and tools, with the value beside them the first time. A message may be told as {"as": number, "name": name}: the
other one, under a name. The prompt of a call is the first `keep` messages of the prompt of the call `like`, then those of
`prompt`. The conversation of the first step is that of the graph's state.
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """First entry of an event."""

    ROOT = 0
    STEP = 1
    STEP_END = 2
    CALL = 3
    CALL_END = 4
    TOOL = 5
    TOOL_END = 6
    END = 7
    FEEDBACK = 8
    SEARCHED = 9
