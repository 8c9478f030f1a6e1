from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from langdistill import harvest
from langdistill.recording.privacy.pseudonyms import name_instead
from langdistill.records import Trace
from langdistill.stores.sqlite import SQLiteStore
from langdistill.students.card import CARD, Stage, Student
from langdistill.students.train.recipe import ORDINARY
from tests.cli.test_commands import run


def asked(at: int, user: str, **fields: Any) -> Trace:
    question: Any = [{"role": "user", "content": f"question {at}"}]
    return Trace(
        id=f"{user}{at}",
        name="g",
        user=user,
        thread=f"t-{user}",
        input=question,
        answer="4",
        started=float(at),
        **fields,
    )


def student(folder: Path, hashed: str) -> Path:
    """The card of a trained student."""
    folder.mkdir(parents=True)
    stage = Stage(objective="sft", recipe=ORDINARY, dataset_hash=hashed, seed=0, rows=1, steps=1)
    card = Student(
        folder=folder, name="s", version=1, base="b", base_digest="b", weights="w", stages=[stage], versions={}
    )
    (folder / CARD).write_text(card.model_dump_json())
    return folder


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, two data sets of it, and a student of each."""
    store = SQLiteStore(tmp_path / "t.db")
    store.add([*(asked(at, "ann") for at in range(3)), *(asked(at, "bob", strategy="s") for at in range(10, 20))])
    store.add([asked(30, "ann", expires=1.0)])
    store.close()
    both = harvest(tmp_path / "t.db").write(tmp_path / "data" / "both")
    bobs = harvest(tmp_path / "t.db", strategy="s").write(tmp_path / "data" / "bobs")
    student(tmp_path / "students" / "of-both", both.hash)
    student(tmp_path / "students" / "of-bobs", bobs.hash)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def told(*words: Any) -> Any:
    ran = run("purge", *words, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def users(path: Path) -> list[str | None]:
    store = SQLiteStore(path)
    found = [row.user for row in store.rows()]
    store.close()
    return found


def made(found: Any, work: Path) -> dict[str, Any]:
    return {str(Path(one["path"].strip()).relative_to(work)): one["affected"] for one in found["made"]}


def test_a_user_is_removed_and_what_was_made_of_it_is_named(work: Path) -> None:
    tried = told(work / "t.db", "--user", "ann", "--dry-run")
    assert (tried["removed"], tried["dry_run"], len(tried["traces"])) == (0, True, 4)
    assert len(users(work / "t.db")) == 13
    found = told(work / "t.db", "--user", "ann", "--yes")
    assert (found["removed"], found["traces"]) == (4, ["ann0", "ann1", "ann2", "ann30"]), "what has expired goes, too"
    assert found["made"] == tried["made"]
    assert made(found, work) == {"data/both": 3, "students/of-both": 3}
    assert users(work / "t.db") == ["bob"] * 10
    assert b"t-ann" not in (work / "t.db").read_bytes()
    assert told(work / "t.db", "--user", "ann", "--yes")["traces"] == []


@pytest.mark.parametrize("option", ["--user", "--thread"])
def test_a_user_or_thread_that_was_hidden_is_removed(work: Path, option: str) -> None:
    mail = "ann@example.org"
    store = SQLiteStore(work / "t.db")
    field = option.removeprefix("--")
    store.add([asked(40, "cat").model_copy(update={field: name_instead(mail)})])
    store.add([asked(41, "cat").model_copy(update={field: mail}), asked(42, "cat")])
    store.close()
    assert told(work / "t.db", option, mail, "--yes")["traces"] == ["cat41", "cat40"]
    assert users(work / "t.db").count("cat") == 1, "another one's stays"


def test_it_tells_people(work: Path) -> None:
    ran = run("purge", work / "t.db", "--thread", "t-bob", "--before", "1970-01-01T00:00:12+00:00", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert "Matching: 2 traces." in ran.stdout
    for line in (
        f"data set {work}/data/both, hash ",
        f"data set {work}/data/bobs, hash ",
        f"student {work}/students/of-bobs, hash ",
    ):
        assert line in ran.stdout
    assert ran.stdout.count(": 2 rows are of them") == 4
    assert ran.stdout.endswith("Removed: 2 traces.\n")
    assert len(users(work / "t.db")) == 11


def test_nothing_is_removed_without_a_yes(work: Path) -> None:
    ran = run("purge", work / "t.db", "--user", "ann")
    assert ran.returncode == 130
    assert "Remove 4 traces for good?" in ran.stderr
    assert len(users(work / "t.db")) == 13


def test_a_no_is_taken_as_one(work: Path) -> None:
    words = [sys.executable, "-m", "langdistill", "purge", work / "t.db", "--user", "ann"]
    ran = subprocess.run(words, input="n\n", capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 1
    assert ran.stderr.endswith("Nothing was removed.\n")
    assert "Interrupted" not in ran.stderr
    assert len(users(work / "t.db")) == 13


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Say what to remove: --user, --thread, --before"),
        (["--before", "never"], "'never' is no date"),
        (["--user", "u", "--look-in", "nowhere"], "does not exist"),
    ],
)
def test_bad_input(work: Path, words: list[str], said: str) -> None:
    ran = run("purge", work / "t.db", *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert len(users(work / "t.db")) == 13


def test_a_moved_data_set_is_told_and_found_where_it_was_moved_to(work: Path) -> None:
    far = work / "as" / "far" / "as" / "this"
    far.mkdir(parents=True)
    (work / "data" / "both").rename(far / "moved")
    (work / "students" / "of-both").rename(far / "student")
    found = told(work / "t.db", "--user", "ann", "--dry-run", "--look-in", work / "as")
    told_of = [(one["kind"], Path(one["path"]).name, one["affected"], one["there"]) for one in found["made"]]
    assert sorted(told_of) == [
        ("data set", "both", 3, False),
        ("data set", "moved", 3, True),
        ("student", "student", 3, True),
    ]
    assert made(told(work / "t.db", "--user", "ann", "--dry-run"), work) == {"data/both": 3}


def test_a_data_set_of_an_older_release_cannot_tell(work: Path) -> None:
    (work / "old").mkdir()
    (work / "old" / "manifest.json").write_text('{"hash": "abc"}')
    student(work / "old" / "student", "abc")
    (work / "other").mkdir()
    (work / "other" / "manifest.json").write_text('{"name": "a web page"}')
    found = told(work / "t.db", "--user", "ann", "--dry-run", "--look-in", work / "old", "--look-in", work / "other")
    assert made(found, work)["old"] is None
    assert made(found, work)["old/student"] is None
    ran = run("purge", work / "t.db", "--user", "ann", "--dry-run", "--look-in", work / "old")
    assert "which does not tell what it was made of" in ran.stdout


def test_a_student_of_a_data_set_that_was_replaced(work: Path) -> None:
    harvest(work / "t.db", strategy="s").write(work / "data" / "both", overwrite=True)
    found = told(work / "t.db", "--user", "ann", "--dry-run")
    assert made(found, work) == {"data/both": 3, "students/of-both": 3}
    assert [one["there"] for one in found["made"]] == [False, True]
    assert "(no longer there: look for copies)" in run("purge", work / "t.db", "--user", "ann", "--dry-run").stdout
