"""A training before it begins: everything is read and checked, and no weights are loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from langdistill.datasets.containers import rows_in
from langdistill.datasets.reading import MANIFEST, read_dataset
from langdistill.errors import DatasetError, StudentError
from langdistill.records import digest
from langdistill.students.bases import base_digest, base_folder
from langdistill.students.card import Stage, Student, student_at
from langdistill.students.causal import check_causal, context_of
from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row, find_objective
from langdistill.students.train.ranks import ranks
from langdistill.students.train.recipe import Recipe
from langdistill.students.versioned import next_version


@dataclass(frozen=True)
class Job:
    """One training."""

    dataset: Path
    dataset_hash: str
    rows: list[dict[str, Any]]
    """To train on, as they were written."""
    validation: list[dict[str, Any]]
    base: str
    """As it goes onto the card."""
    start: Student | None
    """The student that is trained on."""
    out: Path
    objective: Objective
    recipe: Recipe
    seed: int

    @cached_property
    def base_folder(self) -> Path:
        """Where the base model is."""
        return self.start.check_base() if self.start else base_folder(self.base)

    @cached_property
    def tokenizer(self) -> Any:
        """Of the base."""
        transformers = imported("transformers")
        try:
            found = transformers.AutoTokenizer.from_pretrained(str(self.base_folder), local_files_only=True)
        except (OSError, ValueError) as error:
            raise StudentError(
                f"The base {str(self.base_folder)!r} has no tokenizer: {str(error).splitlines()[0]} Put one beside it."
            ) from error
        if found.pad_token is None:
            found.pad_token = (
                found.eos_token
            )  # of batches alone: labels say what carries loss, so no end is masked by it
        return found

    @cached_property
    def prepared(self) -> list[dict[str, Any]]:
        """The rows as the trainer reads them.

        Raises:
            DatasetError: there are none, or some cannot be trained on.
            StudentError: the objective cannot be trained by this recipe.
        """
        self.objective.check(self.rows, self.recipe)
        return self._prepared(self.rows)

    @cached_property
    def held_out(self) -> list[dict[str, Any]]:
        """The validation rows as the trainer reads them; errors as of `prepared`."""
        try:
            return self._prepared(self.validation) if self.validation else []
        except DatasetError as error:
            raise DatasetError(f"Rows for validation: {error}") from error

    def _prepared(self, rows: list[Row]) -> list[Row]:
        asked, context = self.recipe.max_length, context_of(self.base_folder)
        if context is None or asked <= context:
            return self.objective.prepared(rows, self.tokenizer, asked)
        try:
            return self.objective.prepared(rows, self.tokenizer, context)
        except DatasetError as error:
            raise DatasetError(
                f"{error} The context of the base {str(self.base_folder)!r} is {context} tokens: a max_length of {asked} does not "
                "make it longer."
            ) from error

    def trial(self, out: Path, steps: int) -> Job:
        """A job that ends after a few updates, on the same prepared rows and without those for validation.

        Args:
            out: where its student goes.
            steps: updates.
        """
        few = self.recipe.model_copy(update={"steps": steps, "save_every": steps})
        found = replace(self, out=out, recipe=few, validation=[])
        vars(found).update(prepared=self.prepared)  # neither updates nor checkpoints change how a row is read
        return found

    @cached_property
    def tokens(self) -> int:
        """Of all rows."""
        return sum(self.objective.sizes(row)[0] for row in self.prepared)

    @cached_property
    def fingerprint(self) -> str:
        """What decides the weights that come of it: a run with the same one goes on where a killed one stopped."""
        started = self.start.weights if self.start else base_digest(self.base_folder)
        told = [self.objective.name, self.objective.params]
        printed = [self.tokenizer.chat_template, self.tokenizer.eos_token, self.tokenizer.pad_token]
        several = [str(ranks().size)] if ranks().size > 1 else []  # as many devices see the rows in another order
        recipe = Recipe(**self.recipe.model_dump()).model_dump()  # 2 epochs are 2.0 epochs
        return digest(self.dataset_hash, started, told, printed, recipe, str(self.seed), *several)

    def materials(self, folder: Path) -> Materials:
        """What the objective makes its trainer of.

        Args:
            folder: for checkpoints.
        """
        start = self.start.folder if self.start else None
        passes = self.objective.passes(self.prepared, self.recipe)
        return Materials(
            self.base_folder,
            start,
            self.prepared,
            self.held_out,
            self.tokenizer,
            self.recipe,
            self.seed,
            folder,
            passes,
        )

    def stages(self, steps: int) -> list[Stage]:
        """The lineage of its student."""
        stage = Stage(
            objective=self.objective.name,
            params=self.objective.params,
            recipe=self.recipe,
            dataset_hash=self.dataset_hash,
            seed=self.seed,
            rows=len(self.rows),
            steps=steps,
        )
        return [*(self.start.stages if self.start else []), stage]


def planned(
    dataset: str | Path,
    base: str | Path | Student,
    out: str | Path,
    *,
    objective: Objective | str,
    recipe: Recipe,
    seed: int,
) -> Job:
    """A training, its data set read and its place looked at; arguments and errors as of `train`."""
    chosen = find_objective(objective)() if isinstance(objective, str) else objective
    start = base if isinstance(base, Student) else student_at(base)
    if start and start.head != chosen.head:
        raise StudentError(
            f"{start.served_name} gives {start.head}; {chosen.name} trains what gives {chosen.head}. Start from its base."
        )
    if start:
        _check_goes_on(start, recipe)
    next_version(out)
    folder = start.check_base() if start else base_folder(str(base))
    check_causal(folder)
    _check_packing(recipe, folder)
    rows, told = _read(Path(dataset), chosen)
    validation = list(rows_in(Path(dataset), "validation")) if _has_validation(Path(dataset)) else []
    named = start.base if start else _named(str(base))
    return Job(Path(dataset), told, rows, validation, named, start, Path(out), chosen, recipe, seed)


def _check_goes_on(start: Student, recipe: Recipe) -> None:
    """Whether what is trained on is what the recipe trains: an adapter of a whole model would be of no base that is on a card."""
    if start.holds == "model" and recipe.adapter != "full":
        raise StudentError(
            f"{start.served_name} is a whole model; an adapter would be of it, and not of its base {start.base!r}. Go on with "
            "adapter='full', or start from its base."
        )
    if start.holds == "adapter" and recipe.adapter == "full":
        raise StudentError(
            f"{start.served_name} is an adapter, which alone can be trained on. Go on with adapter='lora', or start from its base."
        )


def _check_packing(recipe: Recipe, base: Path) -> None:
    context = context_of(base)
    if recipe.packing and context is not None and recipe.max_length > context:
        raise StudentError(
            f"Rows cannot be packed into sequences of {recipe.max_length} tokens: the context of the base {str(base)!r} is {context}. "
            f"Give a max_length of at most {context}."
        )


def _named(base: str) -> str:
    """The base as it goes onto a card: a name of the hub as it is, a folder wherever one stands."""
    return str(Path(base).expanduser().absolute()) if Path(base).expanduser().exists() else base


def _read(folder: Path, objective: Objective) -> tuple[list[dict[str, Any]], str]:
    try:
        rows = list(rows_in(folder, "train"))
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        told = str(manifest["hash"])
        if "files" in manifest:
            read_dataset(folder)  # what was changed since would be trained on under the name of what was written
    except (OSError, KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise DatasetError(
            f"{str(folder)!r} is no data set to train on: {error}. Write one with `langdistill harvest`."
        ) from error
    if not rows:
        raise DatasetError(f"The data set {str(folder)!r} has no rows to train on.")
    written = manifest.get("format")
    if written and written not in objective.formats:
        raise DatasetError(
            f"The data set {str(folder)!r} is in the format {written}; {objective.name} learns from {' or '.join(objective.formats)}. "
            f"Harvest it again with --format {objective.formats[0]}."
        )
    return rows, told


def _has_validation(folder: Path) -> bool:
    return any((folder / f"validation.{kind}").is_file() for kind in ("jsonl", "parquet"))
