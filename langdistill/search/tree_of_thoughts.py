"""Tree of Thoughts: breadth-first search over reasoning steps, in which the model itself judges the states that it has come to.

Source: Yao et al., 2305.10601, Algorithm 1 (ToT-BFS). A baseline of rStar, with its actions' prompts.
"""

from __future__ import annotations

from typing import Any, NotRequired

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.nodes import step
from langdistill.questions import Answered, Question, Thinking, labelled
from langdistill.records import SEARCHED
from langdistill.search.actions import NEXT_THOUGHT, REST, ROOT, Action, Grammar
from langdistill.search.beam import Beam
from langdistill.search.evaluating import Evaluator
from langdistill.search.evaluators.value import value
from langdistill.search.expanding import Expander, together
from langdistill.search.settings import Settings, refuse_below_one
from langdistill.search.thoughts import Searched, thoughts_of, told_on_the_way


class Branching(Thinking):
    """State of the graph."""

    tree: list[dict[str, Any]]
    """Every state that was looked at, as of `records.Thought`: visits are the judgements of it, and value is their sum."""
    kept: list[int]
    """Those that the search ended with, the best first."""
    chosen: int | None
    """The one whose answer goes out."""
    searched: NotRequired[Searched]


def create_tree_of_thoughts(
    model: str | BaseChatModel,
    *,
    thoughts: int = 5,
    breadth: int = 5,
    depth: int = 5,
    evaluate: Evaluator | None = None,
    temperature: float | None = 0.7,
    max_tokens: int | None = None,
    thought: Action = NEXT_THOUGHT,
    rest: Action = REST,
    extract: Extract = final_answer,
    name: str = "tree_of_thoughts",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that thinks level by level, and goes on from the best states of each.

    Thoughts of one level are asked for together, and so are their judgements. A state that has come to an answer is not expanded, and
    competes with the others for its place. The best one with an answer goes out; where none that was kept has one, each is asked for the
    rest of the way, and the answer of the best goes out. States that nobody judged come after those that somebody did, and of equal ones
    the first stands. With a checkpointer every reply is kept as it comes. Where a budget ends, the best of what was found goes out.

    Args:
        model: a chat model or its string.
        thoughts: k, sampled from each kept state (5 in the paper's creative writing); those that say the same are one.
        breadth: b, states that are kept (5 in its Game of 24, 1 in its creative writing).
        depth: most thoughts of a path; in the paper a matter of the task.
        evaluate: judges states, a file of `search/evaluators`; by default each is valued alone, by the model that searches.
        temperature: of thoughts and answers; `None` leaves the model's own.
        max_tokens: most of a thought or an answer, where its action allows more: for a model whose context is short.
        thought: the action that proposes, one of `search.actions` or your own; it must be one whose reply may end in an answer.
        rest: the action that goes on to the answer from where the depth ends.
        extract: reads the answers.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; with the default knobs 425 completions at the most.

    Raises:
        ModelError: a knob is below 1, or an action gives no answer.
    """
    refuse_below_one(thoughts=thoughts, breadth=breadth, depth=depth)
    chat = without_tools(chat_model(model))
    evaluator = evaluate or value()

    def expander(action: Action) -> Expander:
        grammar = Grammar((action,), {ROOT: (action.id,), thought.id: (action.id,)})
        settings = Settings(
            depth=depth + 1,  # a thought of the last level is not the end: it may be asked for the rest
            thoughts=thoughts,
            sub_questions=thoughts,
            last_votes=1,
            votes=1,
            temperature=temperature,
            max_tokens=max_tokens,
            grammar=grammar,
        )
        return Expander(chat, settings, extract)

    proposer, finisher = expander(thought), expander(rest)

    def go_on(state: Branching, beam: Beam, by: Expander):
        """One step from each open state: the new ones."""
        work = {index: by.children(state, beam.tree, index) for index in beam.open}
        grown = yield from together(work)
        return beam.grow({index: grown[index] for index in work})

    def judge(state: Branching, beam: Beam, new: list[int]):
        """What the evaluator says of them; one that compares is shown those with an answer again."""
        judged = [*beam.answered, *new] if evaluator.compares else new
        try:
            told = yield from evaluator(state, chat, [beam.lines(index) for index in judged])
        except BudgetSpent:
            return
        beam.judge(dict(zip(judged, told, strict=True)))

    def search(state: Branching):
        beam = Beam(breadth)
        try:
            for _ in range(depth):
                if not (new := (yield from go_on(state, beam, proposer))):
                    break
                yield from judge(state, beam, new)
                beam.keep(new)
            if not beam.answered:
                beam.keep((yield from go_on(state, beam, finisher)))
        except BudgetSpent:
            if len(beam.tree.nodes) == 1:
                raise
        return {"tree": thoughts_of(beam.tree), "kept": beam.kept, "chosen": beam.best()}

    def present(state: Branching):
        tree, chosen = state["tree"], state["chosen"]
        answer = None if chosen is None else tree[chosen]["answer"]
        said = told_on_the_way(tree, state["kept"][0]) if answer is None else answer
        return {"messages": [AIMessage(said)], "answer": answer, SEARCHED: Searched(thoughts=tree, chosen=chosen)}

    graph = StateGraph(Branching, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("search", step(search)), ("present", step(present))])
    graph.add_edge(START, "search")
    params = {"thoughts": thoughts, "breadth": breadth, "depth": depth, "evaluate": evaluator.name}
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, **params)
