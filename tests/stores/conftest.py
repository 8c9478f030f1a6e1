from __future__ import annotations

from uuid import uuid4

import pytest


@pytest.fixture
def tables(postgres: str) -> str:
    """The address of an empty schema of the test's own."""
    import psycopg

    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}")
    return f"{postgres}?options=-csearch_path%3D{name}"
