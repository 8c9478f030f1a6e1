"""The page beside a student's weights, with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

from langdistill.students.card import Stage, Student


def model_card(student: Student) -> str:
    """The page as Markdown."""
    library = "peft" if student.holds == "adapter" else "transformers"
    stages = "\n".join(_row(at, stage) for at, stage in enumerate(student.stages, 1))
    versions = ", ".join(f"{name} {version}" for name, version in student.versions.items())
    return f"""---
base_model: {student.base}
library_name: {library}
tags: [langdistill, {", ".join(dict.fromkeys(stage.objective for stage in student.stages))}]
---
# {student.name}, version {student.version}

{"An adapter of" if student.holds == "adapter" else "A model trained from"} `{student.base}` ({student.base_digest[:12]}), made {student.made or "at an unknown time"} with {versions}. Weights: {student.weights[:12]}.

| stage | objective | data set | rows | steps | seed | recipe |
|---|---|---|---|---|---|---|
{stages}

What was measured of it is in `student.json`.
"""


def _row(at: int, stage: Stage) -> str:
    recipe = stage.recipe
    size = f"rank {recipe.rank}" if recipe.adapter != "full" else "all weights"
    told = f"{recipe.adapter}, {size}, learning rate {recipe.learning_rate:g}, {recipe.schedule}"
    params = ", ".join(f"{key}={value!r}" for key, value in stage.params.items())
    return f"| {at} | {stage.objective}({params}) | {stage.dataset_hash[:12]} | {stage.rows} | {stage.steps} | {stage.seed} | {told} |"
