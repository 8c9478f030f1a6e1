"""A reply that must be JSON of a schema."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ValidationError

from langdistill.answers import json_answer


def schema(model: type[BaseModel]) -> Callable[[str, str], list[str]]:
    """A check that the reply holds JSON that is valid for a pydantic model; complains of each field that is not.

    Args:
        model: of pydantic. What is around the JSON in the reply is not read (`answers.json_answer`).
    """

    def check(question: str, reply: str) -> list[str]:
        found = json_answer(reply)
        if found is None:
            return [f"Which JSON of the schema {model.__name__} answers this? The reply holds none."]
        try:
            model.model_validate_json(found)
        except ValidationError as error:
            return [_told(one["loc"], one["msg"]) for one in error.errors()]
        return []

    return check


def _told(place: tuple[int | str, ...], message: str) -> str:
    return f"What is {'.'.join(map(str, place)) or 'the JSON'}? {message}."
