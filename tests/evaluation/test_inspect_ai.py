from __future__ import annotations

import asyncio
import os
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langdistill import create_chain_of_thought, evaluate
from langdistill.answers import final_answer, same
from langdistill.errors import EvaluationError, ModelError, StudentError
from langdistill.evaluation.comparing import compare
from langdistill.evaluation.inspect_ai import as_inspect_model, read_inspect_log
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.tasks import task

if os.environ.get("LANGDISTILL_CI"):
    import inspect_ai as inspect
else:
    inspect = pytest.importorskip("inspect_ai")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("lab_model"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning"),  # Inspect's use of tenacity
    pytest.mark.filterwarnings("ignore:Exception ignored in.*MemoryObject:pytest.PytestUnraisableExceptionWarning"),
]

DRAW = task("letters").draw(10, seed=4, pool="dev")
LOGS = "inspect_ai"


def questions(**more: Any) -> Any:
    """The lab's questions as a task of Inspect's, graded as `evaluate` grades."""
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import Score, Target, accuracy, scorer
    from inspect_ai.solver import TaskState, generate

    @scorer(metrics=[accuracy()])
    def graded() -> Any:
        async def score(state: TaskState, target: Target) -> Score:
            answer = final_answer(state.output.completion)
            return Score(value=int(same(answer, target.text)), answer=answer)

        return score

    samples = [Sample(id=one.id, input=one.question, target=DRAW.gold[one.id]) for one in DRAW.problems]
    return inspect.Task(dataset=MemoryDataset(samples), solver=generate(), scorer=graded(), **more)


def log_of(model: Any, folder: Path, **more: Any) -> str:
    [log] = inspect.eval(questions(), model=model, log_dir=str(folder), display="none", **more)
    return log.location


def test_a_log_read_back_equals_our_evaluation_of_the_same_questions(tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log, write_eval_log

    model = lab_model(max_tokens=40)
    ours = evaluate(model, DRAW.problems, DRAW.gold)
    assert 0 < ours.right < 10
    zipped, plain = log_of(as_inspect_model(model), tmp_path), tmp_path / "log.json"
    write_eval_log(read_eval_log(zipped), plain)
    for path in (zipped, plain):
        theirs = read_inspect_log(path)
        assert theirs.model_dump(exclude={"seconds"}) == ours.model_dump(exclude={"seconds"})
        assert theirs.seconds >= 0
    assert theirs.completions == 10
    assert compare(theirs, ours).difference == 0


def test_a_graph_can_be_evaluated(tmp_path: Path) -> None:
    graph = create_chain_of_thought(lab_model())
    read = read_inspect_log(log_of(as_inspect_model(graph), tmp_path, limit=4))
    assert read.answers == evaluate(graph, DRAW.problems[:4], DRAW.gold).answers
    assert read.right >= 3


def test_inspect_finds_a_model_by_its_name(tmp_path: Path) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    import_module(project["entry-points"]["inspect_ai"]["langdistill"])
    named = log_of(f"langdistill/{WEIGHTS}", tmp_path, max_tokens=40, limit=3, epochs=2)
    read = read_inspect_log(named)
    here = evaluate(lab_model(max_tokens=40), DRAW.problems[:3], DRAW.gold)
    assert (read.n, read.samples, read.right, read.answers) == (3, 2, here.right, here.answers)
    assert [one.right for one in read.results.values()] == [one.right * 2 for one in here.results.values()]
    assert (read.name, read.completions) == (str(WEIGHTS), 6)
    with pytest.raises(StudentError, match="no base model"):
        as_inspect_model("local:nowhere")
    with pytest.raises(StudentError, match="There is no student"):
        as_inspect_model(tmp_path / "nowhere")


def test_settings_choices_log_probabilities_and_usage_go_through() -> None:
    from inspect_ai.model import GenerateConfig

    model = as_inspect_model(WEIGHTS, temperature=1.0, max_tokens=60)
    config = GenerateConfig(seed=3, num_choices=3, logprobs=True, top_logprobs=2)
    question = DRAW.problems[0].question
    output = asyncio.run(model.generate(question, config=config))
    settings: Any = {"temperature": 1.0, "max_tokens": 60, "seed": 3, "n": 3, "logprobs": True, "top_logprobs": 2}
    told = lab_model(**settings).generate([[HumanMessage(question)]])
    assert [choice.message.text for choice in output.choices] == [one.text for one in told.generations[0]]
    assert output.usage is not None
    made = [one.message.usage_metadata["output_tokens"] for one in told.generations[0]]  # type: ignore[union-attr, index]
    assert output.usage.output_tokens == sum(made)
    logprobs = output.choices[0].logprobs
    assert logprobs is not None
    assert len(logprobs.content[0].top_logprobs or ()) == 2
    assert output.stop_reason == "stop"
    cut = asyncio.run(model.generate(question, config=GenerateConfig(max_tokens=1)))
    assert cut.stop_reason == "max_tokens"
    with pytest.raises(ModelError, match="takes no top_p; it takes temperature, max_tokens"):
        asyncio.run(model.generate(question, config=GenerateConfig(top_p=0.5)))


class Weatherman(BaseChatModel):
    """Calls the tool it is bound to, and then says what came back; keeps what it was sent."""

    seen: list[list[BaseMessage]] = []

    @property
    def _llm_type(self) -> str:
        return "weatherman"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=tools)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.seen.append(messages)
        if isinstance(messages[-1], ToolMessage):
            reply = AIMessage(
                f"It is {messages[-1].text}.", additional_kwargs={"reasoning_content": "The tool says so."}
            )
        else:
            [offered] = kwargs["tools"]
            assert offered["function"]["parameters"]["required"] == ["city"]
            call = {"name": offered["function"]["name"], "args": {"city": "Oslo"}, "id": "c1"}
            reply = AIMessage("", tool_calls=[call])  # type: ignore[list-item]
        return ChatResult(generations=[ChatGeneration(message=reply)])


def test_tools_reasoning_and_roles_go_through(tmp_path: Path) -> None:
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate, system_message, use_tools
    from inspect_ai.tool import tool

    @tool
    def weather() -> Any:
        async def execute(city: str) -> str:
            """The weather in a city.

            Args:
                city: which.
            """
            return f"rain in {city}"

        return execute

    model = Weatherman()
    solver = [system_message("Be brief."), use_tools(weather()), generate()]
    asked = inspect.Task(dataset=[Sample(id="oslo", input="Weather?", target="rain")], solver=solver, scorer=includes())
    [log] = inspect.eval(asked, model=as_inspect_model(model), log_dir=str(tmp_path), display="none")
    first, second = model.seen
    assert [type(one) for one in first] == [SystemMessage, HumanMessage]
    assert [type(one) for one in second] == [SystemMessage, HumanMessage, AIMessage, ToolMessage]
    assert second[2].tool_calls[0]["args"] == {"city": "Oslo"}  # type: ignore[union-attr]
    read = read_inspect_log(log.location)
    assert (read.n, read.right, read.completions, read.answers) == (1, 1, 2, {"oslo": "it is rain in oslo."})
    said = log.samples[0].output.message.content
    assert [part.type for part in said] == ["reasoning", "text"]


def test_what_a_scorer_generates_is_not_counted(tmp_path: Path) -> None:
    from inspect_ai.dataset import Sample
    from inspect_ai.model import get_model
    from inspect_ai.scorer import CORRECT, Score, accuracy, scorer

    @scorer(metrics=[accuracy()])
    def judged() -> Any:
        async def score(state: Any, target: Any) -> Score:
            await get_model().generate("Is it good?")
            return Score(value=CORRECT)

        return score

    asked = inspect.Task(dataset=[Sample(id="a", input=DRAW.problems[0].question, target="x")], scorer=judged())
    [log] = inspect.eval(asked, model=as_inspect_model(lab_model()), log_dir=str(tmp_path), display="none")
    assert len([event for event in log.samples[0].events if event.event == "model"]) == 2
    read = read_inspect_log(log.location)
    assert (read.completions, read.right) == (1, 1)
    assert read.answers["a"] == log.samples[0].output.completion, "a judge tells no answer: the reply stands for it"


def test_what_cannot_be_sent_is_told() -> None:
    from inspect_ai.model import ChatMessageUser, ContentAudio

    audio = ChatMessageUser(content=[ContentAudio(audio="data:audio/wav;base64,", format="wav")])
    with pytest.raises(ModelError, match="holds 'audio'"):
        asyncio.run(as_inspect_model(lab_model()).generate([audio]))


def test_errors_of_samples_are_told(tmp_path: Path) -> None:
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import match

    samples = [Sample(id="short", input="Hello", target="x"), Sample(id="long", input="a b c " * 600, target="x")]
    asked = inspect.Task(dataset=samples, scorer=match(), fail_on_error=False)
    [log] = inspect.eval(asked, model=as_inspect_model(lab_model()), log_dir=str(tmp_path), display="none")
    read = read_inspect_log(log.location)
    assert (read.n, read.right, list(read.errors)) == (2, 0, ["long"])
    assert "the context of" in read.errors["long"]
    assert read.answers["long"] is None


def test_real_logs_are_read(data: Path) -> None:
    [browser] = (data / LOGS / "analysis" / "test_logs").glob("*browser.json")
    read = read_inspect_log(browser)
    assert (read.n, read.right, read.completions, read.output_tokens, read.seconds) == (1, 1, 5, 281, 20.0)
    assert str(read.answers["1"]).startswith("the ai security institute (aisi) is")
    for kind in ("eval", "json"):
        read = read_inspect_log(data / LOGS / "log" / "test_eval_log" / f"log_formats.{kind}")
        assert (read.n, read.right, read.answers, read.errors) == (1, 0, {"1": "No"}, {})
        assert (read.completions, read.output_tokens, read.seconds) == (1, 2, 0.0)


def test_what_is_no_log_is_told(data: Path, tmp_path: Path) -> None:
    [browser] = (data / LOGS / "analysis" / "test_logs").glob("*browser.json")
    with pytest.raises(EvaluationError, match="has the scorers: includes; 'match' was asked for"):
        read_inspect_log(browser, scorer="match")
    (tmp_path / "x.json").write_text("{}")
    for name in ("x.json", "absent.eval"):
        with pytest.raises(EvaluationError, match="cannot be read as a log"):
            read_inspect_log(tmp_path / name)
