"""The students of a running server: loaded, swapped and rolled back without dropping a request."""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from langdistill.errors import StudentError
from langdistill.students.card import Student, read_student
from langdistill.students.serving.endpoint import Endpoint, Refused, Served
from langdistill.students.serving.inside import LOCKED
from langdistill.students.serving.kept import Version, keep_versions
from langdistill.students.serving.settings import rank_of

if TYPE_CHECKING:
    from langdistill.reasoning_openai import ReasoningChatOpenAI

ABSENT = 404
GRACE = 600
"""Seconds that a version's requests may take to end before it is unloaded."""


@dataclass(frozen=True)
class Serving:
    """What a server said of itself."""

    base: str
    """Its base model, as a folder on its machine."""
    base_digest: str
    max_rank: int
    students: dict[str, list[Version]]
    """By name, versions oldest first: the last is current, the others are what it replaced."""
    running: dict[str, int]
    """Requests under way, by versioned name."""

    @property
    def current(self) -> dict[str, str]:
        """The versioned name that a student's name stands for."""
        return {name: versions[-1].name for name, versions in self.students.items()}


class Adapters:
    """The students of a server that `langdistill serve` started, on this machine or another that sees the same folders.

    Every version has a name of its own, `concierge-v2-1f2e3d4c`, which no other weights ever have. The student's plain name,
    `concierge`, is answered by the current version; the server resolves it, so clients need not know.
    """

    def __init__(self, server: str | Served, api_key: str | None = None) -> None:
        """Name the server; nothing is asked yet.

        Args:
            server: its address, or what has one.
            api_key: its key; by default the server's own, or that of the environment variable `LANGDISTILL_API_KEY`.
        """
        self._endpoint = Endpoint.of(server, api_key)

    @property
    def url(self) -> str:
        """Address of the server, which ends in /v1."""
        return self._endpoint.url

    @property
    def api_key(self) -> str:
        """Key of the server."""
        return self._endpoint.api_key

    def loaded(self) -> dict[str, str]:
        """Folders of what is loaded, by name: the base, and the versions.

        Raises:
            StudentError: the server does not answer, or refuses the key.
        """
        return {model["id"]: model["root"] for model in self._endpoint.call("GET", "/models")["data"]}

    def serving(self) -> Serving:
        """The base, which versions are current, what they replaced, and what is under way.

        Raises:
            StudentError: the server does not answer, refuses the key, or is none of ours.
        """
        try:
            told = self._endpoint.call("GET", "/students")
        except Refused as refused:
            if refused.status != ABSENT:
                raise
            raise StudentError(
                f"The server at {self.url} was not started by `langdistill serve`: it cannot swap students."
            ) from refused
        students = {name: [Version(**one) for one in versions] for name, versions in told.pop("students").items()}
        return Serving(students=students, **told)

    def load(self, student: str | Path | Student) -> str:
        """Load a version beside those that are served, and ask it something; returns its name. No traffic moves.

        Args:
            student: a version, or a folder whose latest version is meant.

        Raises:
            StudentError: it is no adapter that gives text, it is of another base or of too high a rank, or it does not answer.
        """
        student = _student(student)
        name = student.served_name
        if name in self.loaded():
            self._probe(name, unload=False)  # whoever loaded it may not have got so far
            return name
        self._check(student)
        try:
            path = str(student.folder.resolve())
            self._endpoint.call("POST", "/load_lora_adapter", {"lora_name": name, "lora_path": path})
        except Refused as refused:
            if name in self.loaded():  # somebody else was faster
                self._probe(name, unload=False)
                return name
            raise StudentError(f"{name} cannot be loaded. {refused}") from refused
        self._probe(name)
        return name

    def unload(self, name: str, *, patience: float = GRACE) -> None:
        """Unload a version as soon as its requests are done, or withdraw a student with all its versions.

        Args:
            name: "concierge-v2-1f2e3d4c", or "concierge".
            patience: seconds to wait for its requests.

        Raises:
            StudentError: it is the current version of its student, it is not loaded, or its requests did not end in time.
        """
        if versions := self.serving().students.get(name):
            self._put(name, [], versions)
            self._retire({one.name for one in versions}, patience)
        else:
            self._unload(name, patience)

    def _unload(self, name: str, patience: float) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                self._endpoint.call("POST", "/unload_lora_adapter", {"lora_name": name})
                break
            except Refused as refused:
                if refused.status != LOCKED or time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def swap(self, student: str | Path | Student, *, keep: int = 1) -> str:
        """Make a version the current one of its student; returns its name. No request is dropped.

        It is loaded and asked something first. Then all new requests to the student's name go to it, and those under way
        end where they began. What it replaced stays loaded, so that `rollback` takes no time; what that one had replaced is
        unloaded when its requests are done.

        Args:
            student: a version, or a folder whose latest version is meant.
            keep: how many replaced versions stay loaded.

        Raises:
            StudentError: as `load`, or somebody else swapped at the same time; whatever was current still is.
        """
        student = _student(student)
        name = self.load(student)
        versions = self.serving().students.get(student.name, [])
        if not versions or versions[-1].name != name:
            self._put(student.name, [*versions, Version(name, str(student.folder.resolve()))], versions)
            versions = self.serving().students[student.name]
        kept = {one.name for one in versions[-1 - keep :]}
        self._retire({one.name for one in versions} - kept, GRACE)
        return name

    def rollback(self, student: str) -> str:
        """Make current again what the current version replaced; returns its name.

        It is asked something first, and loaded again if it was unloaded. The version rolled back from stays loaded.

        Args:
            student: its name, "concierge".

        Raises:
            StudentError: there is no such student, it replaced nothing, or what it replaced does not answer.
        """
        versions = self.serving().students.get(student, [])
        if len(versions) < 2:
            said = f"{versions[-1].name} has replaced nothing" if versions else f"no student {student!r} is served"
            raise StudentError(f"There is nothing to roll back to: {said}.")
        before = versions[-2]
        if before.name in self.loaded():
            self._probe(before.name, unload=False)
        else:
            self.load(before.folder)
        self._put(student, versions[:-1], versions)
        return before.name

    def restore(self, student: str, versions: list[Version]) -> str:
        """Serve a student as another server did: its current version, and what that one had replaced for `rollback`.

        Args:
            student: its name.
            versions: oldest first; the last is loaded and becomes current.

        Raises:
            StudentError: as `load`.
        """
        name = self.load(versions[-1].folder)
        self._put(student, versions, self.serving().students.get(student, []))
        return name

    def chat_model(self, name: str, **knobs: Any) -> ReasoningChatOpenAI:
        """A LangChain chat model of what the server calls so; it keeps reasoning, log-probabilities and usage.

        Args:
            name: "concierge" for whatever is current at each request, or a versioned name.
            knobs: of `ReasoningChatOpenAI`; greedy unless told otherwise.

        Raises:
            MissingExtra: langchain-openai is not installed.
        """
        return self._endpoint.chat_model(name, **knobs)

    def _check(self, student: Student) -> None:
        student.check_text()
        if student.holds == "model":
            raise StudentError(
                f"{student.served_name} is a whole model and no adapter of the one that is served. "
                f"Start a server for it: langdistill serve {student.folder}"
            )
        told = self.serving()
        if student.base_digest != told.base_digest:
            raise StudentError(
                f"{student.served_name} is of the base {student.base!r} ({student.base_digest[:12]}); the server at {self.url} "
                f"has {told.base!r} ({told.base_digest[:12]}). Start a server with its base: langdistill serve {student.folder}"
            )
        if (rank := rank_of(student.folder)) > told.max_rank:
            raise StudentError(
                f"{student.served_name} is of rank {rank}; the server at {self.url} was started for {told.max_rank} at most. "
                f"Start it with --max-rank {rank}."
            )

    def _probe(self, name: str, *, unload: bool = True) -> None:
        """Ask for one token; what gives none is unloaded and no student."""
        asked = {"model": name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1, "temperature": 0}
        try:
            self._endpoint.call("POST", "/chat/completions", asked)
        except StudentError as error:
            if unload:
                with suppress(StudentError):
                    self._unload(name, GRACE)
            raise StudentError(f"{name} is loaded but does not answer, so no traffic goes to it. {error}") from error

    def _put(self, student: str, versions: list[Version], instead_of: list[Version]) -> None:
        """Move the traffic, if nobody else has done so since, and keep it for the next start."""
        told = {"versions": [vars(one) for one in versions], "instead_of": [vars(one) for one in instead_of]}
        self._endpoint.call("PUT", f"/students/{quote(student, safe='')}", told)
        try:
            keep_versions(versions)
        except OSError as error:
            warnings.warn(
                f"{student} is served, but that could not be written down for the next start: {error}", stacklevel=3
            )

    def _retire(self, names: set[str], patience: float) -> None:
        """Unload what was replaced. The traffic has moved already, so that what cannot go yet is no error."""
        for name in sorted(names & set(self.loaded())):
            try:
                self._unload(name, patience)
            except Refused as refused:
                warnings.warn(f"{name} stays loaded; unload it later. {refused}", stacklevel=3)


def _student(student: str | Path | Student) -> Student:
    return student if isinstance(student, Student) else read_student(student)
