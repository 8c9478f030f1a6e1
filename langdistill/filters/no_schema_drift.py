"""Drop rows that call tools as they were once and are no longer: tools change while traces are collected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.utils.function_calling import convert_to_openai_tool

from langdistill.filters.judging import CorpusFilter, Judgement
from langdistill.filters.reading.tool_calls import asked_in, schemas
from langdistill.filters.tool_calls_valid import against
from langdistill.groups import Group
from langdistill.records import Example, Message, Verdict, digest, text_of

Schema = Mapping[str, Any]
ANNOTATIONS = {"title", "description", "examples", "example", "$comment", "deprecated"}
"""What of a schema says something to the model and permits nothing."""
HOLDERS = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
"""Keywords whose keys are names and no keywords."""
CHANGES_BY_THE_DAY = re.compile(
    r"\d+|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|january|february|march|april|june|july|august|september|"
    r"october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NoSchemaDrift(CorpusFilter):
    """See `no_schema_drift`."""

    current: tuple[dict[str, Any], ...] | None
    keep_valid: bool
    prompts: bool
    descriptions: bool

    def over(self, groups: Iterable[Group]) -> Iterator[Verdict]:
        """Go through the rows once to see what is newest, and again to compare."""
        now = self._newest(groups)
        for group in groups:
            yield self.summed([self._judge(row, now) for row in group.rows])

    def _newest(self, groups: Iterable[Group]) -> Now:
        now = Now(self.descriptions)
        if self.current is not None:
            now.see_tools(self.current, 0.0)
        if self.current is None or self.prompts:
            for group in groups:
                for row in group.rows:
                    if self.current is None:
                        now.see_tools(row.tools, row.at)
                    now.see_prompt(row)
        return now

    def _judge(self, row: Example, now: Now) -> Judgement:
        offered = schemas(row.tools)
        gone = sorted(name for name in offered if name not in now.tools)
        if gone and not (self.keep_valid and not _calls(row, gone)):
            return Judgement(False, "tool-gone", evidence={"tools": gone})
        marks = now.marks(row.tools)
        others = [name for name in sorted(offered) if name in now.tools and now.tools[name].is_other(marks[name])]
        if others and not (self.keep_valid and all(_fits(row, name, now.tools[name]) for name in others)):
            return Judgement(False, "tool-changed", evidence={"tools": others})
        prompt = now.prompts.get(_family(row)) if self.prompts else None
        if prompt and prompt.is_other(_prompt(row.messages)):
            return Judgement(False, "prompt-changed")
        unsure = [name for name in sorted(offered) if name in now.tools and len(now.tools[name].newest) > 1]
        unsure = [name for name in unsure if not (self.keep_valid and _fits(row, name, now.tools[name]))]
        if unsure or (prompt and len(prompt.newest) > 1):
            return Judgement(None, "no-order", evidence={"tools": unsure})
        return Judgement(True, "still-valid" if others or gone else "current")


def no_schema_drift(
    *,
    current: Sequence[Any] | None = None,
    keep_valid: bool = False,
    prompts: bool = False,
    descriptions: bool = False,
) -> NoSchemaDrift:
    """Drop rows that were offered a tool with another schema than it has now ("tool-changed").

    What a tool is now is what the newest row says that was offered it (by `Example.at`). Where the newest were recorded at one moment, or
    at none, as many imports are, and differ, it cannot judge ("no-order"). Tools go by their name alone: harvest one graph at a time where two agents have
    different tools of one name. A tool that newer rows are no longer offered is not told from one that an agent seldom offers; give
    `current` for that. The filter looks at all rows, and so runs on one machine.

    Args:
        current: the agent's tools as they are now, as LangChain tools, functions, or dicts in the OpenAI shape. Rows are compared with
            these, whatever is newest, and those that were offered a tool which is not among them go ("tool-gone").
        keep_valid: keep a row all of whose calls in the target would pass today's schemas. It still shows the student the old ones.
        prompts: compare the system prompt, too ("prompt-changed"), with that of the newest row that was offered tools of the same
            names, numbers and names of days and months aside. For agents whose prompt is the same for every user.
        descriptions: compare the tools' descriptions, too. Without, only what a schema allows counts.
    """
    return NoSchemaDrift(
        None if current is None else tuple(_as_dict(tool) for tool in current), keep_valid, prompts, descriptions
    )


@dataclass
class Newest:
    """What was seen last of a tool or a prompt; several where they came at one moment."""

    at: float
    newest: dict[str, Schema]
    """Digest to schema."""

    def see(self, at: float, mark: str, schema: Schema) -> None:
        """Remember it unless something newer is known."""
        if at > self.at:
            self.at, self.newest = at, {}
        if at == self.at:
            self.newest[mark] = schema

    def is_other(self, mark: str) -> bool:
        """Whether something else is newest."""
        return mark not in self.newest


@dataclass
class Now:
    """What is newest."""

    descriptions: bool
    tools: dict[str, Newest] = field(default_factory=dict[str, Newest])
    prompts: dict[str, Newest] = field(default_factory=dict[str, Newest])
    """By digest of the names of the tools that were offered."""

    def see_tools(self, tools: Sequence[Mapping[str, Any]], at: float) -> None:
        """Remember each tool's schema where nothing newer is known."""
        marks = self.marks(tools)
        for name, schema in schemas(tools).items():
            self.tools.setdefault(name, Newest(at, {})).see(at, marks[name], schema)

    def see_prompt(self, row: Example) -> None:
        """Remember the system prompt where nothing newer is known."""
        self.prompts.setdefault(_family(row), Newest(row.at, {})).see(row.at, _prompt(row.messages), {})

    def marks(self, tools: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Tool name to a digest of what counts of it."""
        if not self.descriptions:
            return {name: _mark(_rules(schema)) for name, schema in schemas(tools).items()}
        said = {str(_function(tool).get("name")): str(_function(tool).get("description") or "") for tool in tools}
        return {name: _mark([schema, said.get(name, "")]) for name, schema in schemas(tools).items()}


def _rules(schema: Any, *, named: bool = False) -> Any:
    """A schema without what only describes; below `HOLDERS` keys are names and stay."""
    if isinstance(schema, list):
        return [_rules(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: _rules(held, named=key in HOLDERS and not named) if key not in ("default", "const", "enum") else held
        for key, held in schema.items()
        if named or key not in ANNOTATIONS
    }


def _fits(row: Example, name: str, tool: Newest) -> bool:
    calls = [call for call in asked_in(row.target) if call.name == name]
    return all(against(call, schema) is None for call in calls for schema in tool.newest.values())


def _calls(row: Example, names: Sequence[str]) -> bool:
    return any(call.name in names for call in asked_in(row.target))


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function: Any = tool.get("function", tool)
    return function if isinstance(function, Mapping) else {}


def _family(row: Example) -> str:
    return _mark(sorted(schemas(row.tools)))


def _prompt(messages: Sequence[Message]) -> str:
    said = " ".join(text_of(message) or "" for message in messages if message["role"] == "system")
    return _mark(" ".join(CHANGES_BY_THE_DAY.sub("0", said).split()))


def _mark(value: Any) -> str:
    """A digest of a value, whatever an imported schema holds: half characters and numbers beyond 64 bits, say."""
    return digest(json.dumps(value, sort_keys=True, default=str))


def _as_dict(tool: Any) -> dict[str, Any]:
    return convert_to_openai_tool(tool)
