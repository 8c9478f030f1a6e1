"""BIG-Bench Hard: 27 sub-tasks that models of 2022 did worse at than people (Suzgun et al., 2210.09261).

Its files carry the canary of BIG-bench: they are for testing, and nothing may be trained on them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from langdistill.answers import Extract, brackets, choice, final_answer, number, same, yes_no
from langdistill.errors import UnknownName
from langdistill.evaluation.tasks.reading.making import Item, chosen, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.prompts import ANSWER_LINE

SOURCE = Source(
    title="BIG-Bench Hard",
    file="the folder of its 27 files, or one of them: navigate.json",
    shape='an object whose "examples" is an array of {"input", "target"}',
    rows="test 6511",
    answer="by sub-task: a letter, yes or no, a number, words, brackets",
    categories="the sub-task: navigate",
    licence="MIT",
    origin="https://github.com/suzgunmirac/BIG-Bench-Hard, bbh",
)
KINDS: dict[str, Extract] = {
    "boolean_expressions": final_answer,
    "causal_judgement": yes_no,
    "date_understanding": choice,
    "disambiguation_qa": choice,
    "dyck_languages": brackets,
    "formal_fallacies": final_answer,
    "geometric_shapes": choice,
    "hyperbaton": choice,
    "logical_deduction_five_objects": choice,
    "logical_deduction_seven_objects": choice,
    "logical_deduction_three_objects": choice,
    "movie_recommendation": choice,
    "multistep_arithmetic_two": number,
    "navigate": yes_no,
    "object_counting": number,
    "penguins_in_a_table": choice,
    "reasoning_about_colored_objects": choice,
    "ruin_names": choice,
    "salient_translation_error_detection": choice,
    "snarks": choice,
    "sports_understanding": yes_no,
    "temporal_sequences": choice,
    "tracking_shuffled_objects_five_objects": choice,
    "tracking_shuffled_objects_seven_objects": choice,
    "tracking_shuffled_objects_three_objects": choice,
    "web_of_lies": yes_no,
    "word_sorting": final_answer,
}
"""How the answers of each sub-task are read."""
PROMPT = "{question}\n" + ANSWER_LINE
FOLDERS = (".", "bbh", "tasks")
"""Where below a folder the files may be."""


def bbh(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    subtask: str | None = None,
) -> TaskSet:
    """BIG-Bench Hard, all of it or one sub-task; the sub-task is the category. The prompt asks for a line with the answer.

    The answers of one sub-task are of one kind, and are read as that kind. Those of all are of several: the answer is what the
    reply marks (`answers.final_answer`), and the right answer tells as which kind the two are compared. A long reply that marks nothing
    is then no answer, as in the authors' own grading. Three right answers name no option by its letter ("Monsters, Inc"): they stand
    as the files have them, and no letter is right there.

    Args:
        path: the folder of the files, or one of them.
        split: "test"; nothing of it may be trained on, so there is no other.
        limit: how many rows of each sub-task; `None` for all.
        seed: draws them; `None` takes the first ones.
        subtask: the only one that is read, where the path is a folder.

    Raises:
        DatasetError: a file is missing or of another shape, or another split was asked for.
        UnknownName: there is no such sub-task.
    """
    if split != "test":
        raise SOURCE.refused(
            f"split={split!r}: BIG-Bench Hard is a test set and carries a canary against training on it; there is only split='test'."
        )
    files = _files(Path(path), subtask)
    rows = [row for file in files for row in chosen(rows_in(file, SOURCE, inside="examples"), limit, seed)]
    if len(files) > 1:
        return task_of("bbh", rows, _item, extract=marked, gold=partial(_gold, marked), equal=equal, prompt=PROMPT)
    kind = KINDS[files[0].stem]
    return task_of(f"bbh/{files[0].stem}", rows, _item, extract=kind, gold=partial(_gold, kind), prompt=PROMPT)


def marked(text: str) -> str | None:
    """The answer that a reply marks, of any kind."""
    return brackets(text) or final_answer(text)


def equal(answer: str | None, gold: str) -> bool:
    """Whether an answer that `marked` read means the right one, both read as the kind that the right one is of."""
    kind = _kind_of(gold)
    return answer is not None and same(kind(f"Answer: {answer}"), kind(f"Answer: {gold}"))


def _kind_of(gold: str) -> Extract:
    if gold.casefold() in {"yes", "no"}:
        return yes_no
    kinds: tuple[Extract, ...] = (brackets, choice, number)
    return next((kind for kind in kinds if kind(gold) is not None), final_answer)


def _gold(kind: Extract, target: str) -> str | None:
    """The right answer in the spelling of its kind; as it is written where it is not of that kind."""
    told = f"Answer: {target}"
    return kind(told) or final_answer(told)


def _item(row: Row) -> Item:
    subtask = row.file.stem
    return Item(f"bbh-{subtask}-{row.index}", row.text("input"), row.text("target"), subtask)


def _files(path: Path, subtask: str | None) -> list[Path]:
    """The files of the sub-tasks that are asked for."""
    if subtask is not None and subtask not in KINDS:
        raise UnknownName("sub-task of BIG-Bench Hard", subtask, KINDS)
    if not path.is_dir():
        file = SOURCE.file_at(path)
        if file.stem not in KINDS or subtask not in (None, file.stem):
            raise SOURCE.refused(f"{str(path)!r} is no file of the sub-task {subtask or 'that its name tells'}.")
        return [file]
    wanted = [subtask] if subtask else list(KINDS)
    return [SOURCE.file_at(path, *(f"{folder}/{one}.json" for folder in FOLDERS)) for one in wanted]
