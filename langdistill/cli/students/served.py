"""`langdistill students served`, `load`, `unload`, `swap` and `rollback`: a running server."""

from __future__ import annotations

from typing import Annotated

import typer

from langdistill.cli.options import Format, FormatOption, print_json

Server = Annotated[str, typer.Argument(help="Address of the server: http://127.0.0.1:8000", show_default=False)]
Key = Annotated[str | None, typer.Option("--api-key", envvar="LANGDISTILL_API_KEY", help="Its key.", show_envvar=True)]
Folder = Annotated[
    str, typer.Argument(metavar="STUDENT", help="A version, or a folder whose latest is meant.", show_default=False)
]


def served(server: Server, api_key: Key = None, format: FormatOption = Format.text) -> None:
    """List what a server has loaded, which versions are current, and what they replaced."""
    from langdistill.students.serving.adapters import Adapters

    adapters = Adapters(server, api_key)
    serving, loaded = adapters.serving(), adapters.loaded()
    replaced = {name: [one.name for one in versions[:-1]] for name, versions in serving.students.items()}
    if format is Format.json:
        told = {"base": serving.base, "current": serving.current, "replaced": replaced}
        print_json({**told, "loaded": loaded, "running": serving.running})
        return
    for name, current in serving.current.items():
        before = f", before it {', '.join(reversed(replaced[name]))}" if replaced[name] else ""
        typer.echo(f"{name} is {current}{before}")
    for name, folder in loaded.items():
        running = f", {count} requests" if (count := serving.running.get(name)) else ""
        typer.echo(f"loaded: {name} from {folder}{running}")


def load(server: Server, student: Folder, api_key: Key = None) -> None:
    """Load a version beside those that are served; it answers to its versioned name alone."""
    from langdistill.students.serving.adapters import Adapters

    typer.echo(f"{Adapters(server, api_key).load(student)} is loaded")


def unload(
    server: Server,
    name: Annotated[str, typer.Argument(help="A versioned name, or a student's, with all its versions.")],
    api_key: Key = None,
) -> None:
    """Unload a version as soon as its requests are done."""
    from langdistill.students.serving.adapters import Adapters

    Adapters(server, api_key).unload(name)
    typer.echo(f"{name} is unloaded")


def swap(server: Server, student: Folder, api_key: Key = None) -> None:
    """Make a version the current one of its student; no request is dropped."""
    from langdistill.students.serving.adapters import Adapters

    name = Adapters(server, api_key).swap(student)
    typer.echo(f"{name} is current")


def rollback(
    server: Server,
    name: Annotated[str, typer.Argument(help="The student: concierge", show_default=False)],
    api_key: Key = None,
) -> None:
    """Make current again what a student's current version replaced."""
    from langdistill.students.serving.adapters import Adapters

    typer.echo(f"{Adapters(server, api_key).rollback(name)} is current")
