"""Ways of writing new instructions, and what is wrong with one on its face."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langdistill.errors import MiningError, PromptError, UnknownName
from langdistill.jobs import sample_path
from langdistill.mining.generating import Writing
from langdistill.mining.generators.deepened import WAYS, deepened
from langdistill.mining.generators.long_tailed import long_tailed
from langdistill.mining.generators.same_kind import same_kind
from langdistill.mining.generators.self_instruct import self_instruct
from langdistill.mining.generators.widened import widened
from langdistill.mining.instructions import LONGEST, instruction
from langdistill.mining.ledger import planned, total
from langdistill.mining.pools import InstructionPools
from langdistill.mining.validity import cut, flaw
from langdistill.mining.writing import find_generator, generator_names
from langdistill.similarity.rouge_l import any_script
from tests.mining.scripted import World, drawn, generator_says, graded, mined, model, topic

NAMES = ["deepened", "long_tailed", "same_kind", "self_instruct", "widened"]
PARENT = instruction("Name three {rivers} of Peru", "in the north", source="hard")
POOL = [
    PARENT,
    *(instruction(topic(at)) for at in range(9)),
    *(instruction(topic(at), source="easy") for at in range(20, 24)),
]


def test_they_are_found_by_their_names() -> None:
    assert generator_names() == NAMES
    assert [find_generator(name)().name for name in NAMES] == NAMES
    with pytest.raises(UnknownName, match=r"There is no generator named 'shortened'\. Known: deepened, long_tailed"):
        find_generator("shortened")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_draw_gives_the_same_prompt(name: str) -> None:
    way = find_generator(name)()
    prompts = [way.prompt(PARENT, POOL, Random(seed)) for seed in (1, 1)]
    assert prompts[0] == prompts[1]
    assert "Name three {rivers} of Peru" in prompts[0], "braces in a text are harmless"
    assert way.params
    assert hash(way)


@pytest.mark.parametrize("name", ["deepened", "long_tailed", "same_kind", "widened"])
def test_one_instruction_is_shown_with_its_input(name: str) -> None:
    shown = find_generator(name)().prompt(PARENT, POOL, Random(0))
    assert f"[Request]\n{PARENT.text}\n\nInput: in the north\n\n[End]" in shown
    assert "topic" not in shown
    assert find_generator(name)().read("  A new one?\n\nOf two lines. ") == ["A new one?\n\nOf two lines."]
    assert find_generator(name)().expected == 1


@pytest.mark.parametrize(("way", "room"), [(same_kind(), 0), (long_tailed(), 0), (widened(), 0), (deepened(), 80)])
def test_four_tokens_for_each_word_of_the_parent(way: Any, room: int) -> None:
    """The words of the instruction and of its input: "Input:" is one."""
    assert way.decoding(PARENT) == {"temperature": 1.0, "top_p": 1.0, "max_tokens": 4 * (5 + 4) + room}
    assert way.decoding(instruction("Sing"))["max_tokens"] == 4 + room


def test_the_halves_are_asked_for_differently() -> None:
    assert "same task type" in same_kind().prompt(PARENT, POOL, Random(0))
    assert "rarer" in long_tailed().prompt(PARENT, POOL, Random(0))
    assert "same task type" not in long_tailed().prompt(PARENT, POOL, Random(0))


def test_each_way_of_deepening_is_drawn() -> None:
    dice = Random(0)
    prompts = [deepened().prompt(PARENT, POOL, dice) for _ in range(100)]
    told = Counter(way for prompt in prompts for way in WAYS if way in prompt)
    assert set(told) == set(WAYS)
    assert told.total() == 100
    assert "only so" in deepened(["only so"]).prompt(PARENT, POOL, dice)


def test_self_instruct_shows_seeds_and_written_ones() -> None:
    dice = Random(0)
    for _ in range(20):
        lines = [one for one in self_instruct().prompt(PARENT, POOL, dice).splitlines() if one[:1].isdigit()]
        assert [one.split(". ")[0] for one in lines] == [str(at) for at in range(1, 9)]
        shown = [one.split(". ", 1)[1] for one in lines]
        assert PARENT.text in shown
        sources = Counter(next(one.source for one in POOL if one.text == text) for text in shown)
        # the parent is one of the two written ones
        assert sources == {"seed": 6, "hard": 1, "easy": 1}
        assert len(set(shown)) == 8
    seed = POOL[3]
    lines = [one for one in self_instruct(2, 1).prompt(seed, POOL, dice).splitlines() if one[:1].isdigit()]
    assert len(lines) == 3
    assert sum("topic" in one and any(f"topic{at} " in one for at in range(9)) for one in lines) == 2
    few = self_instruct().prompt(seed, [seed], dice)
    assert f"1. {seed.text}\n" in few, "as many as there are"


def test_self_instruct_reads_a_list() -> None:
    way = self_instruct(count=3)
    assert way.expected == 3
    assert way.decoding(PARENT) == {"temperature": 0.7, "top_p": 0.5, "max_tokens": 300}
    assert way.read("Sure!\n9. One more thing?\n10) Two.\n 11:  Three  \n\n12. ") == [
        "One more thing?",
        "Two.",
        "Three",
    ]
    assert way.read(" Just one. ") == ["Just one."]
    assert way.read("") == [""]


@pytest.mark.parametrize("knobs", [{"seeds": 0}, {"written": 0}, {"count": 0}])
def test_self_instruct_that_cannot_work(knobs: dict[str, int]) -> None:
    with pytest.raises(MiningError, match="each is at least 1"):
        self_instruct(**knobs)


@pytest.mark.parametrize(
    "create", [same_kind, long_tailed, widened, partial(deepened, WAYS), partial(self_instruct, 6, 2, 8)]
)
def test_a_template_of_ones_own_has_its_places(create: Any) -> None:
    with pytest.raises(PromptError, match="has the places"):
        create("Write something.")


@pytest.mark.parametrize("name", NAMES)
def test_each_writes_a_round(tmp_path: Path, name: str) -> None:
    """On a scripted model, which goes on with a list where it is shown one."""

    def says(prompt: str) -> str:
        if "Go on with it" not in prompt:
            return topic(drawn(prompt, sample_path.get()))
        return "\n".join(f"{at}. {topic(drawn(prompt, at))}" for at in range(9, 17))

    way, world = find_generator(name)(), World(generator=model("generator", says))
    writing = Writing(per_round=20, from_hard=way, from_easy=way, share_hard=0.25)
    found = mined(tmp_path, world, 12, rounds=1, writing=writing)
    assert found["rounds"][0]["accepted"] == {"hard": 5, "easy": 15}
    assert found["stopped"] is None
    least = total(planned(12, rounds=1, writing=writing))["generator"]
    assert least == (20 if name != "self_instruct" else 1 + 2)
    assert len(world.generator.prompts) >= least
    if name == "self_instruct":
        assert len(world.generator.prompts) == 3, "eight at a time, and no more than are needed"
        assert found["rounds"][0]["rejected"] == {"not-wanted": 4}


def test_a_parent_that_is_drawn_again_gives_a_new_sample(tmp_path: Path) -> None:
    """Whichever half and round it is drawn for: the reply that is known would be no new instruction."""
    prompts: list[str] = []

    def says(prompt: str) -> str:
        prompts.append(prompt)
        return generator_says(prompt)

    world, way = World(generator=model("generator", says)), same_kind()
    mined(tmp_path, world, 3, rounds=3, writing=Writing(per_round=8, from_hard=way, from_easy=way))
    with InstructionPools(tmp_path) as pools:
        tries = [one for number in (1, 2, 3) for one in pools.tries(number)]
    assert len(tries) == len(prompts) > len(set(prompts)), "every try was asked for, though prompts come again"


FLAWS: list[tuple[str, str | None]] = [
    ("Name three rivers", "too-short"),
    ("Name three big rivers", None),
    ("", "too-short"),
    ("  \n ", "too-short"),
    ("Follow this instruction with care", "speaks-of-itself"),
    ("Write INSTRUCTIONS for a new toaster", "speaks-of-itself"),
    ("Describe an instructional video on cooking", None),
    ("Explain the wordinstruction to me please", None),
    ('"Name three big rivers"', "starts-with-punctuation"),
    ("- Name three big rivers", "starts-with-punctuation"),
    ("1. Name three big rivers", None),
    ("Écrivez une lettre au maire", "not-ascii"),
    ("“Name three big rivers”", "not-ascii"),
    ("Schreibe über große Flüsse", None),
    ("word " * (LONGEST // 5 - 1) + "word.", None),
    ("word " * (LONGEST // 5) + "x", "too-long"),
    ("\x00 Name three big rivers", "starts-with-punctuation"),
]


@pytest.mark.parametrize(("text", "reason"), FLAWS, ids=range(len(FLAWS)))
def test_the_surface_rules(text: str, reason: str | None) -> None:
    assert flaw(text) == reason


@pytest.mark.parametrize(
    ("told", "was_cut"),
    [
        ({"finish_reason": "stop"}, False),
        ({"finish_reason": "length"}, True),
        ({"stop_reason": "max_tokens"}, True),
        ({"stop_reason": "end_turn"}, False),
        ({"finish_reason": None, "stop_reason": "max_tokens"}, True),
        ({"done_reason": "length"}, True),
        ({"finish_reason": "MAX_TOKENS"}, True),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, True),
        ({"incomplete_details": None}, False),
        ({}, False),
    ],
)
def test_a_reply_that_was_cut(told: dict[str, Any], was_cut: bool) -> None:
    """As OpenAI's two interfaces, Anthropic, Ollama and Gemini tell it."""
    assert cut(AIMessage("Name three", response_metadata=told)) is was_cut


def test_each_reason_is_counted(tmp_path: Path) -> None:
    """One reply of each kind, of which the last alone is an instruction."""
    replies: list[Any] = [
        AIMessage(topic(100), response_metadata={"finish_reason": "length"}),
        "",
        "Do it well",
        "x y " * 5000,
        "Give me an instruction for it",
        "Écrivez une lettre au maire",
        "(Name three big rivers)",
        "Name 三条河流以及它们的长度 和 宽度",
        topic(0),
        topic(101),
    ]
    left = iter(replies)
    world = World(generator=model("generator", lambda prompt: next(left)))
    writing = Writing(per_round=1, share_hard=1.0)
    found = mined(tmp_path, world, 12, rounds=1, writing=writing)
    assert found["rounds"][0]["rejected"] == dict.fromkeys(
        [
            "cut",
            "empty",
            "illegible",
            "not-ascii",
            "not-novel",
            "speaks-of-itself",
            "starts-with-punctuation",
            "too-long",
            "too-short",
        ],
        1,
    )
    with InstructionPools(tmp_path) as pools:
        assert [one.text for one in pools.tries(1)] == [getattr(one, "content", one).strip() for one in replies], (
            "each is kept with its reason"
        )
        assert [one.text for one in pools.instructions(found["train"])] == [topic(101)]


def test_other_alphabets_by_other_rules(tmp_path: Path) -> None:
    def any_text(text: str) -> str | None:
        return None

    world = World(
        teacher=model("teacher", lambda prompt: "teacher"),
        generator=model("generator", lambda prompt: "请列出三条河流的名字"),
        referee=model("referee", lambda prompt: graded(9, 1) if "A]\nteacher" in prompt else graded(1, 9)),
    )
    writing = Writing(per_round=1, share_hard=1.0, flaw=partial(any_text), tokens=any_script)
    found = mined(tmp_path, world, 12, rounds=1, writing=writing)
    assert found["rounds"][0]["accepted"] == {"hard": 1, "easy": 0}


@pytest.mark.parametrize(
    "settings",
    [{"per_round": 0}, {"tries": 0}, {"share_hard": 1.01}, {"share_hard": -0.1}, {"rouge_l": 0}, {"rouge_l": 1.1}],
)
def test_what_cannot_work(settings: dict[str, Any]) -> None:
    with pytest.raises(MiningError):
        Writing(**settings)


@pytest.mark.parametrize(
    ("per_round", "share", "quotas"), [(6000, 0.5, (3000, 3000)), (5, 0.5, (2, 3)), (1, 1, (1, 0)), (4, 0, (0, 4))]
)
def test_quotas(per_round: int, share: float, quotas: tuple[int, int]) -> None:
    assert tuple(Writing(per_round=per_round, share_hard=share).quotas.values()) == quotas
