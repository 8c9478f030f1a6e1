"""The models that the commands of `langdistill art` name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langdistill.cli.options import model_folder


def answering(name: str, params: Mapping[str, Any] | None = None) -> Any:
    """The chat model of a student's or a model's folder, of "lab", or of a name such as openai:gpt-4.1, with what is bound to it.

    Raises:
        StudentError: there is no such folder, and the name has no provider.
    """
    from langdistill.evaluation.subject import subject_of

    model: Any = subject_of(model_folder(name)).runnable
    given = {key: value for key, value in (params or {}).items() if value is not None}
    return model.bind(**given) if given else model
