"""One small file of every shape that the importers read, written by hand after the real ones."""

from __future__ import annotations

import json
from typing import Any

from langdistill.records import Call, Message, Reply, Trace

WEATHER = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
SCHEMA = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}

CHAT: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [WEATHER], "weight": 0},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "assistant", "content": "It rains."},
    ],
    "tools": [SCHEMA],
    "parallel_tool_calls": False,
}
OLD_CHAT: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
        {"role": "function", "name": "weather", "content": "rain"},
        {"role": "assistant", "content": [{"type": "text", "text": "It "}, {"type": "text", "text": "rains."}]},
    ],
    "functions": [{"name": "weather"}],
}
PARTS: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "value": "Weather?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "reasoning", "value": "I must look."},
                {"type": "tool_call", "value": '{"name": "weather", "arguments": {"city": "Oslo"}}'},
            ],
        },
        {"role": "tool", "content": [{"type": "text", "value": "rain"}]},
        {"role": "assistant", "content": [{"type": "text", "value": "It rains."}]},
    ],
    "tools": json.dumps([SCHEMA]),
}
PAIR: dict[str, Any] = {
    "input": {"messages": [{"role": "user", "content": "Hi"}], "tools": [], "parallel_tool_calls": True},
    "preferred_output": [{"role": "assistant", "content": "Hello!"}],
    "non_preferred_output": [{"role": "assistant", "content": "What."}],
}
COMPLETION: dict[str, Any] = {"prompt": "1+1=", "completion": "2"}
REQUEST: dict[str, Any] = {
    "custom_id": "q1",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": "m", "n": 2, "temperature": 0.5, "messages": [{"role": "user", "content": "Hi"}]},
}
RESPONSE: dict[str, Any] = {
    "id": "b1",
    "custom_id": "q1",
    "error": None,
    "response": {
        "status_code": 200,
        "body": {
            "created": 1700000000,
            "model": "m-1",
            "choices": [
                {
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "Hello", "refusal": None},
                    "logprobs": {"content": [{"token": "Hello", "logprob": -0.1}]},
                },
                {"finish_reason": "length", "message": {"role": "assistant", "content": "Hey", "reasoning": "Hm."}},
            ],
            "usage": {
                "prompt_tokens": 3,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 1},
            },
        },
    },
}
REWARDED: dict[str, Any] = {
    "task_id": 7,
    "trial": 1,
    "reward": 1.0,
    "info": {"task": {"instruction": "You want a seat.", "actions": [{"name": "GOLD"}]}},
    "traj": [{"role": "user", "content": "A seat?"}, {"role": "assistant", "content": "12A"}],
}

DISPLAY: dict[str, Any] = {
    "messages_display": "user: Weather in Oslo?\nuser: Please.\nassistant: None\ntool: rain\nassistant: It rains:\n\n- a lot\n"
}

TEXT_ACTIONS: dict[str, Any] = {
    "environment": "main",
    "history": [
        {"role": "system", "content": "SETTING", "agent": "main", "message_type": "system_prompt"},
        {"role": "user", "content": "A demonstration", "is_demo": True},
        {"role": "user", "content": "The issue"},
        {"role": "assistant", "content": "Look.\n```\nls\n```", "thought": "Look.", "action": "ls\n"},
        {"role": "user", "content": "a.py\n(Open file: n/a)"},
        {"role": "assistant", "content": "Done.\n```\nsubmit\n```", "thought": "Done.", "action": "submit\n"},
    ],
    "trajectory": [
        {"action": "ls\n", "observation": "a.py", "response": "Look.\n```\nls\n```", "state": "{}", "thought": "Look."},
        {"action": "rm a", "observation": "gone", "response": "Remove.", "state": "{}", "thought": "Remove."},
        {"action": "submit\n", "observation": "diff", "response": "Done.\n```\nsubmit\n```", "thought": "Done."},
    ],
    "info": {"exit_status": "submitted", "submission": "diff --git", "model_stats": {"api_calls": 3}},
    "replay_config": {
        "problem_statement": {"id": "repo-1"},
        "agent": {"model": {"name": "gpt", "temperature": 0.2, "api_key": "sk-no"}},
    },
}
FUNCTION_CALLS: dict[str, Any] = {
    "history": [
        {"role": "user", "content": "The issue"},
        {"role": "assistant", "content": "Look.", "action": "ls", "tool_calls": [WEATHER]},
        {"role": "tool", "content": "rain", "tool_call_ids": ["c1"]},
    ],
    "trajectory": [{"action": "ls", "observation": "rain", "response": "Look.", "execution_time": 0.5}],
    "info": {"exit_status": "exit_cost"},
}
MINI: list[Any] = [
    {"role": "system", "content": "One command."},
    {"role": "user", "content": "The issue"},
    {"role": "assistant", "content": "Look.\n\n```mswea_bash_command\necho 'hello'\n```"},
    {"role": "user", "content": "<returncode>0</returncode>"},
]

STEPS = (
    "Thought: Look it up.\nAction: search[Oslo]\nObservation: A city\nin Norway.\n"
    "Thought: So it is.\nAction: finish[Norway]\nObservation: Episode finished, reward = True\n"
)
FIREACT: dict[str, Any] = {
    "12": {
        "reward": True,
        "em": True,
        "f1": 0.5,
        "gt": "GOLD",
        "pred": "norway",
        "prompt": "",
        "traj": f"Below is an instruction.\n\n### Instruction:\nWhere is Oslo?\n\n### Response:\n{STEPS}",
        "traj_by_line": ["Below is an instruction."],
    },
    "13": {
        "reward": False,
        "em": False,
        "f1": 0,
        "gt": "GOLD",
        "pred": "sweden",
        "prompt": [],
        "traj": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Action: finish[Sweden]"}],
    },
}
ALPACA: list[Any] = [{"instruction": "Where is Oslo?", "input": "", "output": STEPS}]


def node(kind: str, text: str, *children: Any, **more: Any) -> dict[str, Any]:
    return {"node_type": kind, "description": text, "pruned": False, "children": list(children), "Elo": 1000.0} | more


def ran(text: str, observation: str, code: int, *children: Any, **more: Any) -> dict[str, Any]:
    return node("Action Input", text, *children, observation=observation, observation_code=code, expand_num=1, **more)


FINISHED = '{"return_type": "give_answer", "final_answer": "rain"}'
SEARCH: dict[str, Any] = {
    "win": True,
    "tree": {
        "tree": node(
            "Action Input",
            "",
            node(
                "Action",
                "weather",
                ran(
                    '{"city": "Oslo"}',
                    '{"error": "no such city", "response": ""}',
                    11,
                    node("Thought", "Hopeless.", node("Action", "Finish", ran("{}", "", 4, pruned=True)), expand_num=2),
                    node(
                        "Thought",
                        "Again.",
                        node(
                            "Action",
                            "weather",
                            ran(
                                "{}",
                                '{"error": "", "response": "rain"}',
                                0,
                                node("Action", "Finish", ran(FINISHED, "", 3)),
                            ),
                        ),
                    ),
                ),
            ),
        )
    },
    "forward_args": {"tree_beam_size": 2},
    "compare_candidates": [],
    "answer_generation": {
        "query": "Weather in Oslo?",
        "final_answer": FINISHED,
        "function": [{"name": "weather"}],
        "finish_type": "give_answer",
        "query_count": 5,
        "total_tokens": 9,
        "valid_data": True,
        "chain": [],
        "train_messages": [
            [
                {"role": "system", "content": "AutoGPT"},
                {"role": "user", "content": "Weather in Oslo?"},
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "weather", "arguments": '{"city": "Oslo"}'},
                },
            ],
            [
                {"role": "system", "content": "AutoGPT"},
                {"role": "user", "content": "You tried before."},
                {"role": "assistant", "content": "Again.", "function_call": {"name": "weather", "arguments": "{}"}},
            ],
        ],
    },
}
TOOL_DONE = str({"name": "weather", "arguments": "{}", "response": '{"error": "down", "response": ""}'})
RECORD: dict[str, Any] = {
    "41": {
        "query": "Weather in Oslo?",
        "available_tools": [{"name": "weather"}],
        "answer": {
            "method": "CoT",
            "total_steps": 3,
            "final_answer": FINISHED,
            "answer_details": [
                {
                    "role": "system",
                    "message": "",
                    "next": [
                        {
                            "role": "user",
                            "message": "Weather in",
                            "next": [
                                {
                                    "role": "tool",
                                    "message": TOOL_DONE,
                                    "next": [
                                        {
                                            "role": "tool",
                                            "message": "{'name': 'Finish', 'arguments': '{\"return_type\": \"give_answer",
                                            "next": [],
                                        }
                                    ],
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    }
}

WHEN = "2025-05-12T20:27:3{}+00:00"
ASKED = {"id": "t1", "function": "weather", "arguments": {"city": "Oslo"}}
SAMPLE: dict[str, Any] = {
    "id": 3,
    "epoch": 1,
    "uuid": "u1",
    "input": "Weather?",
    "target": "GOLD",
    "choices": None,
    "metadata": {"reference": "GOLD"},
    "messages": [
        {"role": "user", "content": "attachment://a1", "source": "input"},
        {"role": "assistant", "content": "", "tool_calls": [ASKED], "source": "generate"},
        {"role": "tool", "content": "rain", "tool_call_id": "t1", "function": "weather"},
        {
            "role": "assistant",
            "content": [{"type": "reasoning", "reasoning": "So."}, {"type": "text", "text": "It rains."}],
        },
    ],
    "output": {"choices": []},
    "scores": {
        "match": {"value": "C", "answer": "GOLD", "explanation": "It is GOLD."},
        "grade": {"value": {"style": 0.25, "tone": "warm"}},
    },
    "events": [
        {"event": "sample_init", "timestamp": WHEN.format(0), "sample": {"target": "GOLD"}},
        {"event": "span_begin", "id": "s1", "type": "agent", "name": "react", "timestamp": WHEN.format(1)},
        {
            "event": "model",
            "span_id": "s1",
            "timestamp": WHEN.format(2),
            "completed": WHEN.format(3),
            "model": "openai/gpt",
            "input": [],
            "input_refs": [[0, 1]],
            "tools": [{"name": "weather", "description": "d", "parameters": {}}],
            "tool_choice": "auto",
            "config": {"temperature": 0.5, "max_tokens": None},
            "cache": "read",
            "output": {
                "choices": [
                    {
                        "message": {"role": "assistant", "content": "", "tool_calls": [ASKED]},
                        "stop_reason": "tool_calls",
                    },
                    {"message": {"role": "assistant", "content": "No."}, "stop_reason": "stop"},
                ],
                "usage": {"input_tokens": 5, "output_tokens": 2, "input_tokens_cache_read": 4, "reasoning_tokens": 1},
            },
        },
        {
            "event": "tool",
            "span_id": "s1",
            "timestamp": WHEN.format(4),
            "completed": WHEN.format(5),
            "id": "t1",
            "function": "weather",
            "arguments": {"city": "Oslo"},
            "result": "rain",
            "error": {"type": "timeout", "message": "late"},
        },
        {"event": "sandbox", "span_id": "s1", "timestamp": WHEN.format(5)},
        {"event": "span_end", "id": "s1", "timestamp": WHEN.format(6)},
        {"event": "span_begin", "id": "s2", "type": "scorer", "name": "match", "timestamp": WHEN.format(7)},
        {
            "event": "model",
            "span_id": "s2",
            "timestamp": WHEN.format(8),
            "model": "openai/judge",
            "input": [{"role": "user", "content": "Is it GOLD?"}],
            "output": {"choices": []},
        },
        {"event": "score", "span_id": "s2", "timestamp": WHEN.format(9), "target": "GOLD"},
        {"event": "span_end", "id": "s2", "timestamp": WHEN.format(9)},
    ],
    "message_pool": [{"role": "user", "content": "attachment://a1"}],
    "attachments": {"a1": "Weather in Oslo?"},
}
LOG: dict[str, Any] = {
    "version": 2,
    "status": "success",
    "eval": {
        "task": "weather",
        "eval_id": "e1",
        "model": "openai/gpt",
        "packages": {"inspect_ai": "0.3"},
        "tags": ["x"],
    },
    "samples": [SAMPLE],
}

SHAREGPT: dict[str, Any] = {
    "id": "talk-1",
    "system": "Be brief.",
    "conversations": [
        {"from": "human", "value": "Weather in Oslo?"},
        {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Oslo"}}'},
        {"from": "observation", "value": "rain"},
        {"from": "gpt", "value": "It rains."},
    ],
    "tools": json.dumps([SCHEMA["function"]]),
}
TAGGED: dict[str, Any] = {
    "conversations": [
        {"from": "system", "value": "Call tools."},
        {"from": "human", "value": "Weather in Oslo and Rome?"},
        {
            "from": "gpt",
            "value": 'I look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>\n'
            '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>',
        },
        {
            "from": "tool",
            "value": "<tool_response>\nrain\n</tool_response>\n<tool_response>\nsun\n</tool_response>",
        },
        {"from": "gpt", "value": "Rain, and sun."},
    ],
}
PREFERENCE: dict[str, Any] = {
    "conversations": [{"from": "human", "value": "Hi"}],
    "chosen": {"from": "gpt", "value": "Hello!"},
    "rejected": {"from": "gpt", "value": "What."},
}
LABELLED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go away."}],
    "label": False,
}
INSTRUCTED: dict[str, Any] = {
    "instruction": "Add.",
    "input": "1+1",
    "output": "2",
    "system": "Be exact.",
    "history": [["Are you there?", "Yes."]],
}
TRIPLES: dict[str, Any] = {
    "Question: Where is Oslo?": [
        {"thought": "Look it up.", "action": "Search[Oslo]", "observation": "A city\nin Norway."},
        {"thought": "So it is.", "action": "Finish[Norway]", "observation": "Episode finished, reward = 1\n"},
    ]
}
AGENT = {
    "type": "session",
    "id": "sesn_1",
    "title": "Weather",
    "agent": {
        "name": "Forecaster",
        "model": {"id": "claude"},
        "system": "Be brief.",
        "tools": [
            {"type": "agent_toolset"},
            {"type": "custom", "name": "weather", "description": "d", "input_schema": {"type": "object"}},
        ],
    },
}
EVENTS: list[Any] = [
    {"type": "session.status_running", "id": "e1", "processed_at": "2026-07-06T16:26:34Z"},
    {"type": "user.message", "id": "e2", "content": [{"type": "text", "text": "Weather in Oslo?"}]},
    {"type": "span.model_request_start", "id": "e3", "processed_at": "2026-07-06T16:26:35Z"},
    {"type": "agent.thinking", "id": "e4", "content": [{"type": "text", "text": "I must look."}]},
    {"type": "agent.message", "id": "e5", "content": [{"type": "text", "text": "I look."}]},
    {"type": "agent.custom_tool_use", "id": "e6", "name": "weather", "input": {"city": "Oslo"}},
    {
        "type": "span.model_request_end",
        "id": "e7",
        "processed_at": "2026-07-06T16:26:36Z",
        "model_usage": {"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 2},
    },
    {
        "type": "user.custom_tool_result",
        "id": "e8",
        "custom_tool_use_id": "e6",
        "is_error": True,
        "content": [{"type": "text", "text": "too late"}],
    },
    {"type": "agent.message", "id": "e9", "content": [{"type": "text", "text": "I cannot say."}]},
    {"type": "session.status_idle", "id": "e10", "stop_reason": {"type": "end_turn"}},
]

ASK: Message = {"role": "user", "content": "Hi"}
SAID: Message = {"role": "assistant", "content": "Hello"}
OWN = Trace(
    id="own", name="g", input=[ASK], output=[SAID], calls=[Call(id="c", prompt=[ASK], replies=[Reply(message=SAID)])]
)

SHAPES: dict[str, list[Any]] = {
    "langdistill": [OWN.model_dump(exclude_defaults=True)],
    "openai_chat": [CHAT, OLD_CHAT, PARTS, PAIR, COMPLETION, REQUEST, RESPONSE, REWARDED,
                    {"request": REQUEST["body"], "response": RESPONSE["response"]["body"]}, DISPLAY],
    "swe_agent": [TEXT_ACTIONS, FUNCTION_CALLS, MINI, {"messages": MINI, "info": {"submission": "d"}}],
    "fireact": [FIREACT, ALPACA, ALPACA[0], FIREACT["12"]],
    "toolbench": [SEARCH, RECORD, RECORD["41"]],
    "inspect_ai": [LOG],
    "sharegpt": [SHAREGPT, TAGGED, PREFERENCE, LABELLED],
    "alpaca": [INSTRUCTED, {"instruction": "Greet.", "chosen": "Hello!", "rejected": "What."}],
    "react": [TRIPLES],
    "managed_agents": [[AGENT, *EVENTS], EVENTS[1:], {"data": EVENTS}],
}  # fmt: skip
"""Format to JSON values, each of which could be a file."""
