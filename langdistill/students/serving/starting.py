"""A server with students on it: the base once, their adapters beside each other, or one student that is a whole model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from langdistill.errors import StudentError
from langdistill.students.bases import base_folder
from langdistill.students.card import Student, read_student
from langdistill.students.serving.adapters import Adapters
from langdistill.students.serving.kept import Version, kept_versions
from langdistill.students.serving.server import VLLMServer
from langdistill.students.serving.settings import ORDINARY_RANK, Settings, rank_of


@dataclass(frozen=True)
class Plan:
    """What a server will serve, checked before it is started."""

    base: Path
    base_name: str
    students: dict[str, list[Version]]
    """By name, versions oldest first, the last is to be current."""
    settings: Settings


def serve(*students: str | Path, base: str | Path | None = None, settings: Settings = Settings()) -> VLLMServer:  # noqa: B008  frozen
    """Start vLLM with students on it, and wait until they answer.

        with serve("students/concierge") as server:
            Adapters(server).chat_model("concierge").invoke("Which flights are there on Monday?")

    Args:
        students: folders. Of a folder of versions the one is served that was served last, or the latest where none was.
        base: the base model where it is now; by default where the first student's card says. Needed where no student is given.
        settings: of the server.

    Raises:
        MissingExtra: there is no vLLM.
        StudentError: what is to be served does not go together, the port is in use, the server does not start, or a student
            does not answer. Nothing is left running.
    """
    plan = planned(students, base, settings)
    server = VLLMServer(plan.base, [plan.base_name], plan.settings)
    server.start()
    try:
        adapters = Adapters(server)
        for name, versions in plan.students.items():
            adapters.restore(name, versions)
    except BaseException:
        server.stop()
        raise
    return server


def planned(students: tuple[str | Path, ...], base: str | Path | None, settings: Settings) -> Plan:
    """What a server of these students is: see `serve`."""
    versions = [kept_versions(path) for path in students]
    current = [read_student(one[-1].folder) for one in versions]
    for student in current:
        student.check_text()
    names = [student.name for student in current]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise StudentError(
            f"Two students are called {doubled[0]!r}. Serve one, and load the other's version on the server."
        )
    folder, base_name = _base(current, base)
    if base_name in names:
        raise StudentError(f"The base and a student are both called {base_name!r}. Rename the folder of one of them.")
    return Plan(folder, base_name, dict(zip(names, versions, strict=True)), _sized(current, settings))


def _base(students: list[Student], base: str | Path | None) -> tuple[Path, str]:
    """Folder and name of the base, which must be that of every adapter."""
    whole = [student for student in students if student.holds == "model"]
    if len(whole) > 1 or (whole and base is not None):
        raise StudentError(
            f"{whole[0].served_name} is a whole model; a server has one model. Serve it alone, without a base."
        )
    if not students and base is None:
        raise StudentError("There is nothing to serve. Give a student, or a base that students are loaded on later.")
    asked = whole[0].folder if whole else base or students[0].base
    folder = base_folder(asked).resolve()
    for student in students:
        if student.holds == "adapter":
            student.check_base(folder)
    if whole:
        return folder, whole[0].served_name
    return folder, folder.name if Path(asked).expanduser().exists() else str(asked)


def _sized(students: list[Student], settings: Settings) -> Settings:
    """The settings with room for the students' ranks; without adapters where the one student is a whole model."""
    ranks = [rank_of(student.folder) for student in students if student.holds == "adapter"]
    if students and not ranks:
        return replace(settings, adapters=0)
    if ranks and settings.max_rank is None:
        return replace(settings, max_rank=max(*ranks, ORDINARY_RANK))
    return settings
