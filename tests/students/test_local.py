from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import HumanMessage
from langchain_tests.unit_tests import ChatModelUnitTests

from langdistill import LocalChatModel
from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.tasks import task
from langdistill.replies import settings_of

pytestmark = pytest.mark.xdist_group("lab_model")

QUESTION = 'Take the last letters of the words in "Ada Grace" and concatenate them.'
THINK = QUESTION + '\nThink step by step. End with one line that reads "Answer:" and then only the answer.'


class TestLocalChatModel(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[LocalChatModel]:
        return LocalChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": str(WEIGHTS)}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False


def shares(message: Any) -> list[tuple[str, float]]:
    return [(token["token"], token["logprob"]) for token in message.response_metadata["logprobs"]["content"]]


def test_a_reply_does_not_depend_on_its_batch() -> None:
    model = lab_model(temperature=1.0, logprobs=True, seed=3)
    questions = [problem.question for problem in task("letters").draw(90, seed=5, pool="dev").problems]
    alone = [shares(model.invoke(question)) for question in questions[:4]]
    together = model.batch(questions, {"max_concurrency": 90})
    assert [shares(message) for message in together[:4]] == alone, "tokens and log-probabilities are bitwise equal"


def test_invoke_ainvoke_batch_and_stream_agree() -> None:
    model = lab_model(temperature=0.9, seed=1)
    said = model.invoke(THINK).text
    assert asyncio.run(model.ainvoke(THINK)).text == said
    assert model.batch([THINK, THINK])[1].text == said
    assert "".join(chunk.text for chunk in model.stream(THINK)) == said
    assert len(list(model.stream(THINK))) > 5


def test_n_replies_are_different_and_reproducible() -> None:
    model = lab_model(temperature=1.2, n=4)

    def drawn(seed: int) -> list[str]:
        return [one.text for one in model.generate([[HumanMessage(THINK)]], seed=seed).generations[0]]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len(set(drawn(1))) > 1


def test_usage_reason_and_stop() -> None:
    full = lab_model().invoke(THINK)
    assert full.response_metadata["finish_reason"] == "stop"
    assert full.usage_metadata
    assert full.usage_metadata["output_tokens"] > 20
    short = lab_model(max_tokens=5).invoke(THINK)
    assert short.response_metadata["finish_reason"] == "length"
    assert short.usage_metadata
    assert short.usage_metadata["output_tokens"] == 5
    cut = lab_model().invoke(THINK, stop=["Answer"])
    assert full.text.startswith(cut.text)
    assert "Answer" not in cut.text
    assert "Answer" in full.text


def test_many_at_once_are_few_batches() -> None:
    model = lab_model()
    before = model.decoder.batches
    model.batch([QUESTION] * 64, {"max_concurrency": 64})
    assert model.decoder.batches - before <= 8


def test_what_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"holds no config\.json"):
        LocalChatModel(model=str(tmp_path)).invoke("x")
    with pytest.raises(StudentError, match=r"holds no adapter_config\.json"):
        lab_model(adapter=str(tmp_path)).invoke("x")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(StudentError, match="cannot be loaded"):
        LocalChatModel(model=str(tmp_path)).invoke("x")


def test_a_cache_does_not_know_other_weights_at_the_same_place(tmp_path: Path) -> None:
    folder, cache = Path(shutil.copytree(WEIGHTS, tmp_path / "model")), InMemoryCache()
    model = LocalChatModel(model=str(folder), cache=cache)
    before = settings_of(model)
    said = [model.invoke(QUESTION).text for _ in range(2)]
    assert said[0] == said[1]
    assert len(cache._cache) == 1
    os.utime(folder / "model.safetensors", (1, 1))
    model.invoke(QUESTION)
    assert len(cache._cache) == 2, "LangChain's own cache asked anew"
    assert settings_of(model) != before, "and so does that of `caching`"


def test_a_prompt_longer_than_the_context_is_told_and_the_model_goes_on() -> None:
    model = lab_model()
    with pytest.raises(StudentError, match="the context"):
        model.invoke("a b c " * 600)
    assert model.invoke(QUESTION).text
