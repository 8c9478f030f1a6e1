"""What all tests share."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("LANGSMITH_TRACING", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

pytest.register_assert_rewrite("langdistill.testing.conformance", "langdistill.testing.store_conformance")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that read it skip, visibly, where it is absent."""
    folder = os.environ.get("LANGDISTILL_DATA")
    if not folder:
        pytest.skip("LANGDISTILL_DATA names no folder of data sets")
    assert Path(folder).is_dir(), f"LANGDISTILL_DATA={folder} is no folder"
    return Path(folder)


def postgres_program(name: str) -> str | None:
    """Where a program of the server is: Debian keeps the server's own off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or next((str(place) for place in places), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server of the tests' own, on loopback; its connection string."""
    initdb, server = postgres_program("initdb"), postgres_program("postgres")
    if not (initdb and server):
        assert not os.environ.get("LANGDISTILL_CI"), "install PostgreSQL: these tests must not be skipped here"
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="langdistill-postgres-"))
    user = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", data, "-U", "tester", "--auth=trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **user,
    )
    words = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "fsync=off"]
    started = subprocess.Popen([server, *words], cwd=folder, stderr=subprocess.DEVNULL, **user)
    try:
        until = time.monotonic() + 60
        while True:
            assert started.poll() is None, "the server did not start"
            assert time.monotonic() < until, "the server does not answer"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        started.terminate()
        started.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tables(postgres: str) -> str:
    """The address of an empty schema of the test's own."""
    import psycopg

    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}")
    return f"{postgres}?options=-csearch_path%3D{name}"
