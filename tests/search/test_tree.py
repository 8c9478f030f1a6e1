"""The search without a model, by properties that hold for any tree (2408.06195, section 3.2)."""

from __future__ import annotations

from math import inf, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langdistill.search.actions import FOLLOWERS, ROOT, Grammar
from langdistill.search.tree import Step, Tree

DEPTH = 5


def children(tree: Tree, index: int, rng: Random, branching: int) -> list[Step]:
    """What a generator might give: an answer by A2, at times by A1 or A3, and always at the greatest depth."""
    action = tree.nodes[index].step.action
    found = list[Step]()
    for one in Grammar().after(action):
        for number in range(branching if one.branches else 1):
            ends = one.id == "A2" or (one.answers and rng.random() < 0.3) or tree.nodes[index].depth + 1 == DEPTH
            answer = rng.choice("abc") if ends else None
            found.append(
                Step(one.id, f"{one.id} {number}", terminal=ends, answer=answer, reward=rng.random() if ends else None)
            )
    return found


def rolled_out(tree: Tree, rollout: int, branching: int = 2) -> float:
    """One rollout, from selection to back-up."""
    rng = tree.stream(rollout)
    path = tree.select(rng)
    while not tree.nodes[path[-1]].step.terminal:
        path.append(rng.choice(tree.expand(path[-1], children(tree, path[-1], rng, branching))))
    reward = tree.nodes[path[-1]].step.reward or 0.0
    tree.back_up(path, reward)
    return reward


@given(seed=some.integers(0, 10_000), rollouts=some.integers(1, 40), branching=some.integers(1, 4))
def test_1_no_edge_outside_the_table(seed: int, rollouts: int, branching: int) -> None:
    tree = Tree(seed=seed)
    rewards = [rolled_out(tree, at, branching) for at in range(rollouts)]
    for index, node in enumerate(tree.nodes[1:], 1):
        assert node.parent is not None
        assert node.parent < index
        before = tree.nodes[node.parent].step.action
        assert node.step.action in FOLLOWERS[before]
        ids = [step.action for step in tree.steps(index)]
        assert ids.count("A5") <= 1
        assert all(ids[at - 1] == "A3" for at, id in enumerate(ids) if id == "A4")
        assert node.depth == len(ids) <= DEPTH
    root = tree.nodes[0]
    assert (root.visits, root.value) == (rollouts, pytest.approx(sum(rewards)))
    for node in tree.nodes:
        if node.children:
            inside = [tree.nodes[child] for child in node.children]
            assert node.visits == sum(child.visits for child in inside)
            assert node.value == pytest.approx(sum(child.value for child in inside))
            assert not node.step.terminal
        assert 0 <= node.value <= node.visits
        assert node.under_way == 0


@given(seed=some.integers(0, 10_000), rollouts=some.integers(1, 20))
def test_the_same_seed_gives_the_same_tree(seed: int, rollouts: int) -> None:
    one, other = Tree(seed=seed), Tree(seed=seed)
    for tree in (one, other):
        for at in range(rollouts):
            rolled_out(tree, at)
    assert one.nodes == other.nodes


def small() -> Tree:
    """A root with three children, of which two were visited."""
    tree = Tree()
    tree.expand(0, [Step("A1", "a"), Step("A1", "b"), Step("A2", "c", terminal=True, answer="1")])
    for index, visits, value in ((0, 10, 5.0), (1, 4, 3.0), (2, 6, 2.0)):
        tree.nodes[index].visits, tree.nodes[index].value = visits, value
    return tree


def test_2_uct_by_hand() -> None:
    tree = small()
    assert tree.uct(1) == pytest.approx(3 / 4 + 2 * sqrt(log(10) / 4))
    assert tree.uct(1) == pytest.approx(2.267, abs=1e-3)
    assert tree.uct(3) == inf
    assert tree.select(Random(0)) == [0, 3], "who was not visited comes first"


def test_the_highest_uct_is_selected_and_of_equal_ones_the_first() -> None:
    tree = small()
    tree.back_up([0, 3], 0.0)
    assert tree.uct(3) == pytest.approx(2 * sqrt(log(11)))
    assert tree.select(Random(0)) == [0, 3]
    tree.nodes[3].visits = 100
    assert tree.select(Random(0)) == [0, 1]
    tree.nodes[2].visits, tree.nodes[2].value = 4, 3.0
    assert tree.select(Random(0)) == [0, 1]


def test_virtual_loss_turns_others_elsewhere() -> None:
    tree = small()
    tree.back_up([0, 3], 0.9)
    tree.nodes[3].visits = 3
    before = tree.select(Random(0))
    tree.enter(before)
    assert tree.select(Random(0)) != before
    tree.leave(before)
    assert tree.select(Random(0)) == before
    assert tree.nodes[0].under_way == 0


def test_rollouts_at_once_draw_from_streams_of_their_own() -> None:
    tree = Tree(seed=3)
    first, second = (tree.stream(at).random() for at in (0, 1))
    assert first != second
    tree.stream(1).random()
    assert tree.stream(0).random() == first


def test_a_node_is_expanded_once() -> None:
    tree = Tree()
    first = tree.expand(0, [Step("A1", "a")])
    assert tree.expand(0, [Step("A1", "b"), Step("A1", "c")]) == first == [1]
    assert len(tree.nodes) == 2
    leaf = tree.expand(1, [Step("A2", "d", terminal=True, answer="7")])
    assert tree.expand(leaf[0], [Step("A1", "e")]) == []
    assert tree.path(2) == [0, 1, 2]
    assert [step.text for step in tree.steps(2)] == ["a", "d"]
    assert [*tree.leaves()] == [2]
    assert tree.nodes[0].step.action == ROOT
