from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from langdistill.errors import StoreBusy, StoreError
from langdistill.records import Feedback
from langdistill.stores.opening import open_store
from langdistill.stores.postgres import PostgresStore
from langdistill.testing.store_conformance import full, numbered
from tests.conftest import postgres_program
from tests.test_extras import told

pytestmark = pytest.mark.xdist_group("postgres")


def test_it_is_opened_by_its_address(tables: str) -> None:
    with pytest.raises(StoreError, match="There is no trace store in 'postgresql://tester@127"):
        open_store(tables, must_exist=True)
    store = open_store(tables.replace("postgresql://", "postgres://"))
    store.add([full()])
    store.close()
    again = open_store(tables, must_exist=True)
    assert list(again.traces()) == [full()]
    again.close()


def test_a_newer_schema_is_refused(tables: str) -> None:
    PostgresStore(tables).close()
    with psycopg.connect(tables, autocommit=True) as db:
        db.execute("UPDATE langdistill SET version = 99")
    with pytest.raises(StoreError, match=r"schema 99, and this release knows up to 2\. Update langdistill"):
        PostgresStore(tables)


def test_processes_that_make_and_fill_it_at_once(tables: str) -> None:
    script = (
        "import sys; from langdistill.stores.postgres import PostgresStore\n"
        "from langdistill.testing.store_conformance import numbered\n"
        "store = PostgresStore(sys.argv[1])\n"
        "for at in range(10): store.add([*numbered(5, f'{sys.argv[2]}-{at}-'), *numbered(5)])\n"
        "store.close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, tables, str(at)]) for at in range(3)]
    assert [one.wait(timeout=100) for one in started] == [0] * 3
    store = PostgresStore(tables)
    assert len(list(store.traces())) == 3 * 10 * 5 + 5
    store.close()


def end_connections(address: str) -> None:
    """What a restarted server does to every connection."""
    with psycopg.connect(address, autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'langdistill' AND pid <> pg_backend_pid()"
        )


def test_it_connects_again(tables: str) -> None:
    store = PostgresStore(tables)
    store.add(numbered(3))
    for _ in range(2):
        end_connections(tables)
        store.add_feedback("g0", Feedback(score=1.0))
        end_connections(tables)
        assert [one.id for one in store.traces()] == ["g0", "g1", "g2"]
    store.close()


def test_a_connection_that_ends_in_the_middle_is_busy_and_undone(tables: str) -> None:
    store = PostgresStore(tables)
    store.add(numbered(3))
    delete = store._delete

    def cut(run: Any, ids: Any) -> int:
        found = delete(run, ids)
        end_connections(tables)
        return found + delete(run, ids)

    store._delete = cut  # type: ignore[method-assign]
    with pytest.raises(StoreBusy, match="Start the server"):
        store.remove(["g1"])
    assert len(list(store.traces())) == 3
    store.close()


def test_a_server_that_is_away_is_busy(free_port: int) -> None:
    with pytest.raises(StoreBusy, match=r"'postgresql://me@127\.0\.0\.1:\d+/d' cannot be opened: .*refused") as raised:
        PostgresStore(f"postgresql://me:hunter2@127.0.0.1:{free_port}/d", patience=2)
    assert "hunter2" not in str(raised.value)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.replace("/postgres?", "/nowhere?"), 'database "nowhere" does not exist'),
        (lambda one: one.replace("tester@", "nobody:hunter%322@"), 'role "nobody" does not exist'),
        (lambda one: one.replace("tester@", "tester:hunter%322@") + "&colour=hunter22", "the address cannot be read"),
        (lambda one: one.replace("tester@", "tester:hunter%zz22@"), "the address cannot be read"),
    ],
)
def test_what_the_server_refuses_is_an_error_without_the_password(tables: str, change: Any, said: str) -> None:
    with pytest.raises(StoreError, match=said) as raised:
        PostgresStore(change(tables))
    assert not isinstance(raised.value, StoreBusy)
    assert "hunter" not in str(raised.value)
    assert "Check the address" in str(raised.value)


def test_locked_tables_are_busy(tables: str) -> None:
    store = PostgresStore(tables, patience=0.2)
    with psycopg.connect(tables) as holder:
        holder.execute("LOCK TABLE trace IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreBusy, match="was locked by others and could not be written"):
            store.add([full()])
        with pytest.raises(StoreBusy, match="could not be read"):
            list(store.traces())
    store.add([full()])
    assert list(store.traces()) == [full()]
    store.close()


def test_a_user_who_may_not_write_is_told(tables: str) -> None:
    store = PostgresStore(tables)
    store._db.execute("SET default_transaction_read_only = on")
    with pytest.raises(
        StoreError, match=r"read-only transaction.*Give the address of the server that takes writes"
    ) as raised:
        store.add([full()])
    assert not isinstance(raised.value, StoreBusy)
    store.close()


def test_a_later_trace_is_never_seen_before_an_earlier_one(tables: str) -> None:
    """Who reads on from the last one it saw misses none."""
    writers, seen = [PostgresStore(tables) for _ in range(3)], []
    reader = PostgresStore(tables)

    def write(at: int) -> None:
        for number in range(30):
            writers[at].add(numbered(3, f"{at}-{number}-"))

    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(write, at) for at in range(3)]
        while not all(one.done() for one in done):
            seen.append([row.id for row in reader.rows()])
        [one.result() for one in done]
    last = [row.id for row in reader.rows()]
    assert len(last) == 270
    assert all(last[: len(ids)] == ids for ids in seen)
    for store in (*writers, reader):
        store.close()


class Server:
    """One of the test's own, to be stopped and started."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.owner: Any = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            known = pwd.getpwnam("postgres")
            os.chown(folder, known.pw_uid, known.pw_gid)
            self.owner = {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
        self.run("initdb", "-U", "tester", "--auth=trust", "--no-sync")

    def run(self, program: str, *words: str) -> None:
        found = postgres_program(program)
        assert found
        subprocess.run(
            [found, "-D", self.folder / "data", *words],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self.owner,
        )

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", mode)


@pytest.fixture
def server(postgres: str, free_port: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="langdistill-postgres-", dir="/tmp") as folder:
        one = Server(Path(folder), free_port)
        one.start()
        yield one
        one.stop("immediate")


def test_a_server_that_is_restarted(server: Server) -> None:
    store = PostgresStore(f"postgresql://tester@127.0.0.1:{server.port}/postgres", patience=2)
    store.add(numbered(2))
    for mode in ("fast", "immediate"):
        server.stop(mode)
        for _ in range(2):
            with pytest.raises(StoreBusy, match="Start the server"):
                store.add([full()])
        server.start()
        store.add([full(mode)])
    assert [one.id for one in store.traces()] == ["g0", "g1", "fast", "immediate"]
    store.close()


def test_without_its_extra(tmp_path: Path) -> None:
    statement = "from langdistill.stores.opening import open_store; open_store('postgresql://nobody@127.0.0.1/nothing')"
    assert told({"psycopg"}, statement, tmp_path).endswith("pip install 'langdistill[postgres]'")
