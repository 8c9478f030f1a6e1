from __future__ import annotations

from typing import Any

import pytest

from langdistill.datasets.formats.fitting import find_format, fitted
from langdistill.datasets.formats.unfit import Unfit
from langdistill.datasets.masking import Masked, Span, masking
from langdistill.errors import DatasetError
from langdistill.lab import WEIGHTS
from langdistill.records import Example
from tests.datasets.formats.examples import AGENT, REPLY, THINKS, example, tokenizer

PLAIN = example()


def row_of(of: Example, format: str = "trl") -> dict[str, Any]:
    return fitted(find_format(format), of)[0].row


def checked(of: Example, template: str, format: str = "trl", **settings: Any) -> Masked:
    [found] = masking(tokenizer(template), **settings).check(row_of(of, format))
    return found


def reason(of: Any, template: str, **settings: Any) -> str:
    with pytest.raises(Unfit) as told:
        masking(tokenizer(template), **settings).check(of if isinstance(of, dict) else row_of(of))
    return told.value.reason


def test_the_lab_model() -> None:
    [found] = masking(WEIGHTS).check(row_of(PLAIN))
    assert found.trained == ["Yes.<|end|>"]
    assert found.text.startswith("<|begin|><|user|>Is it raining in Zürich? 🌧<|end|><|assistant|>")
    assert found.tokens == sum(span.tokens for span in found.spans)
    with pytest.raises(Unfit, match="template-loses-tools"):
        masking(WEIGHTS).check(row_of(AGENT))


def test_only_what_the_assistant_says_carries_loss() -> None:
    found = checked(AGENT, "qwen3")
    assert found.trained == [
        '<think>\n\n</think>\n\n<tool_call>\n{"name": "weather", "arguments": {"z": "Zürich \\"x\\"", "a": [1, 2.5, null]}}\n'
        '</tool_call>\n<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call><|im_end|>\n',
        "<think>\n\n</think>\n\nIt rains.<|im_end|>\n",
    ]
    assert found.ends == (True, True)
    assert [span.trained for span in found.spans] == [False, True, False, True]
    assert "rain: 100 %" in found.spans[2].text
    assert found.spans == checked(AGENT, "qwen3", "trl_messages").spans


def test_a_plain_answer_needs_no_markers() -> None:
    found = checked(THINKS, "qwen3")
    assert found.trained == ["<think>\nI look outside.\n</think>\n\nIt rains.<|im_end|>\n"]
    assert found == checked(THINKS, "qwen3", assistant_only=True)


def test_both_sides_of_a_pair_are_checked() -> None:
    pair = example(rejected=[{"role": "assistant", "content": "No."}])
    found = masking(tokenizer("qwen3")).check(row_of(pair, "trl_preference"))
    assert [(one.column, one.trained) for one in found] == [
        ("chosen", ["<think>\n\n</think>\n\nYes.<|im_end|>\n"]),
        ("rejected", ["<think>\n\n</think>\n\nNo.<|im_end|>\n"]),
    ]


@pytest.mark.parametrize("template", ["qwen3_training", "qwen3_5_think", "qwen3_8", "nemotron_3_nano", "lfm2_2_5_v2"])
def test_templates_that_print_calls_each_in_their_way(template: str) -> None:
    found = checked(AGENT, template)
    assert len(found.trained) == 2
    assert all("rain: 100 %" not in text and "Weather and time?" not in text for text in found.trained)
    assert all("Zürich" in found.trained[0] and name in found.trained[0] for name in ("weather", "time"))


@pytest.mark.parametrize(
    ("of", "template", "expected"),
    [
        (AGENT, "llama3", "template-loses-tools"),
        (AGENT.model_copy(update={"tools": []}), "llama3", "template-loses-tool-calls"),
        (THINKS, "qwen2_5", "template-loses-reasoning"),
        (AGENT, "gemma3", "template-refuses"),
        (AGENT, "llama3_1", "no-generation-markers"),
        (PLAIN, "smolvlm", "template-loses-content"),
        (AGENT, "glm4moe", "end-not-trained"),
    ],
)
def test_what_a_template_loses_is_told(of: Example, template: str, expected: str) -> None:
    assert reason(of, template) == expected


def test_loss_on_observations_is_a_wrong_mask() -> None:
    assert reason(AGENT, "qwen3", assistant_only=False) == "wrong-mask"
    assert (
        reason({"messages": row_of(PLAIN, "trl_messages")["messages"]}, "qwen3", assistant_only=False) == "wrong-mask"
    )


def test_trainers_of_preferences_learn_observations_too() -> None:
    pair = AGENT.model_copy(update={"rejected": [{"role": "assistant", "content": "No."}]})
    for format in ("trl_preference", "trl_unpaired"):
        row = row_of(pair, format)
        assert reason(row, "qwen3") == "wrong-mask"
        assert "rain: 100 %" in masking(tokenizer("qwen3")).masked(row)[0].trained[0]


def test_arguments_quoted_twice_are_told() -> None:
    """Rows of OpenAI's shape hold arguments as text; most templates of open models would write that text as a string."""
    row = row_of(AGENT, "openai")
    assert reason(row, "nemotron_3_nano") == "template-refuses"
    assert reason(row, "qwen2_5") == "template-quotes-arguments"


def test_a_padding_token_that_is_the_end_hides_the_end_from_some_collators() -> None:
    ends = tokenizer("qwen3", pad="<|im_end|>")
    [found] = masking(ends).check(row_of(PLAIN))
    assert found.trained[0].endswith("<|im_end|>\n")
    with pytest.raises(Unfit, match="end-not-trained"):
        masking(ends, pad_masked=True).check(row_of(PLAIN))
    assert masking(tokenizer("qwen3"), pad_masked=True).check(row_of(PLAIN)) == [found]


def test_an_end_that_is_no_token_is_told() -> None:
    assert reason(PLAIN, "cohere") == "end-not-trained"


def test_the_record_tells_text_and_tokens() -> None:
    [found] = masking(tokenizer("qwen3")).masked({"messages": [{"role": "user", "content": "a"}, REPLY]})
    assert found.spans[0] == Span(
        "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n", False, found.spans[0].tokens
    )
    assert found.text == "".join(span.text for span in found.spans)


def test_rows_and_tokenizers_that_cannot_be_shown(tmp_path: Any) -> None:
    with pytest.raises(DatasetError, match=r"A row with the columns prompt, completions, .* is no conversation"):
        masking(tokenizer("qwen3")).check({"prompt": "a", "completions": ["b"], "labels": [True]})
    with pytest.raises(DatasetError, match="There is no tokenizer at"):
        masking(tmp_path)
    bare: Any = tokenizer("qwen3", vocabulary=301)
    bare.chat_template = None
    with pytest.raises(DatasetError, match="has no chat template"):
        masking(bare)
