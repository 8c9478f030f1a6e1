"""Rows that a student and a teacher read with different tokenizers and chat templates, for TRL's `GOLDTrainer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langdistill.students.libraries import imported
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.refusals import Refused, checked
from langdistill.students.train.rows.sampled import sampled_rows


def is_byte_level(tokenizer: Any) -> bool:
    """Whether each sign of a token's spelling is a byte, as TRL needs it to find where tokens begin and end."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and imported("trl.experimental.utils").is_byte_level_tokenizer(backend)


def crossed_rows(rows: Sequence[Row], tokenizer: Any, teachers: Any, max_length: int, room: int) -> list[Row]:
    """Rows as TRL's collator reads them: `input_ids`, `completion_mask` and `byte_offsets` of the student's tokens up to the end token,
    and the texts of prompt and answer for the teacher, the prompt by its own chat template.

    Args:
        rows: with a completion of one message.
        tokenizer: of the student.
        teachers: tokenizer of the teacher.
        max_length: most tokens of a row, and of a prompt with a sampled answer.
        room: tokens of a sampled answer.

    Raises:
        DatasetError: as `sampled_rows`; and rows with more than one message to learn, or that the teacher's template cannot print.
    """

    def read(pair: tuple[Row, Row]) -> Row:
        row, tokens = pair
        try:
            prompt = _teachers_prompt(teachers, row)
        except Exception as error:  # a template may raise anything
            raise Refused("fail with the chat template of the teacher") from error
        if len(row["completion"]) != 1:
            raise Refused("have more than one message to learn")
        return _crossed(tokenizer, tokens, prompt)

    return checked(list(zip(rows, sampled_rows(rows, tokenizer, max_length, room), strict=True)), read)


def crossing(trainer: Any) -> Any:
    """TRL's `GOLDTrainer` for rows that are tokens already, mended where it goes on after a kill and where the teacher reads.

    As it is, it draws the order of a pass from where the process before stood, which a checkpoint does not keep, and has the teacher
    read what the student sampled after the student's chat template, end token and all.
    """
    repeat = imported("trl.trainer.utils").RepeatSampler

    class InOrder(repeat):  # type: ignore[misc, valid-type]
        def set_epoch(self, epoch: int) -> None:
            self.generator.manual_seed(self.seed + epoch)

    class Crossing(trainer):  # type: ignore[misc, valid-type]
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _get_train_sampler(self, dataset: Any = None) -> Any:
            found = super()._get_train_sampler(dataset)
            return InOrder(
                found.data_source, found.mini_repeat_count, found.batch_size, found.repeat_count, seed=found.seed
            )

        def generate_on_policy_outputs(self, model: Any, inputs: Any, generation_config: Any) -> Any:
            *tensors, _, texts = super().generate_on_policy_outputs(model, inputs, generation_config)
            ends = self.processing_class.convert_ids_to_tokens(self.generation_config.eos_token_id)
            return (*tensors, inputs["original_prompt_text"], [_without_end(text, ends) for text in texts])

    return Crossing


def _teachers_prompt(teachers: Any, row: Row) -> str:
    """The prompt as the teacher's chat template prints it, without a begin token that its tokenizer puts there by itself."""
    text = teachers.apply_chat_template(
        row["prompt"], tools=row.get("tools") or None, add_generation_prompt=True, tokenize=False
    )
    ids = teachers(text)["input_ids"]
    begin = teachers.bos_token_id
    return text.removeprefix(teachers.bos_token) if begin is not None and ids[:2] == [begin, begin] else text


def _without_end(text: str, ends: Sequence[str]) -> str:
    return next((text.removesuffix(end) for end in ends if text.endswith(end)), text)


def _crossed(tokenizer: Any, tokens: Row, prompt: str) -> Row:
    ids, length = list(tokens["input_ids"]), tokens["prompt_length"]
    while not tokenizer.decode(ids[-1:], skip_special_tokens=False).strip():  # what a template prints after the end
        ids.pop()
    offsets = [[0, 0]] * length
    for token in tokenizer.convert_ids_to_tokens(ids[length:]):
        start = offsets[-1][1]
        offsets.append([start, start + len(token)])  # one sign of its spelling is one byte
    return {
        "prompt": "",  # TRL looks for it and reads the tokens
        "input_ids": ids,
        "completion_mask": [0] * length + [1] * (len(ids) - length),
        "byte_offsets": offsets,
        "original_prompt_text": prompt,
        "original_completion_text": tokenizer.decode(
            ids[length:-1], skip_special_tokens=False, clean_up_tokenization_spaces=False
        ),
    }
