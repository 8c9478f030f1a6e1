"""`langdistill serve`."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langdistill.cli.options import Format, FormatOption, model_folder, print_json

if TYPE_CHECKING:
    from langdistill.students.serving.server import VLLMServer

HINT = """
from langdistill import ReasoningChatOpenAI

model = ReasoningChatOpenAI(model={model!r}, base_url={url!r}, api_key={key!r})
print(model.invoke("Hello").text)
"""


def serve(
    students: Annotated[
        list[str] | None, typer.Argument(help="Folders of students, of one base.", show_default=False)
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="The base model where it is now, or lab; by default where the student's card says."),
    ] = None,
    host: Annotated[str, typer.Option(help="What to bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is a free one.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="LANGDISTILL_API_KEY", help="What clients must give; a random one by default.", show_envvar=True
        ),
    ] = None,
    max_rank: Annotated[int | None, typer.Option(min=1, help="Highest rank of adapters that are loaded later.")] = None,
    tool_parser: Annotated[
        str | None, typer.Option(help="vLLM's parser of tool calls: hermes, llama3_json, ...")
    ] = None,
    reasoning_parser: Annotated[str | None, typer.Option(help="vLLM's parser of thinking: qwen3, ...")] = None,
    vllm_python: Annotated[
        str | None, typer.Option(help="The Python that has vLLM; by default that of LANGDISTILL_VLLM, or this one.")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="A file for what vLLM prints.")] = None,
    extra: Annotated[
        list[str] | None, typer.Option(help='More flags of vLLM: --extra "--max-num-seqs 64". May be repeated.')
    ] = None,
    format: FormatOption = Format.text,
) -> None:
    """Serve students with vLLM until Ctrl-C: the base once, and adapters that can be swapped while it runs."""
    from langdistill.students.serving.settings import Settings
    from langdistill.students.serving.starting import serve

    settings = Settings(
        host=host,
        port=port or None,
        api_key=api_key,
        max_rank=max_rank,
        tool_parser=tool_parser,
        reasoning_parser=reasoning_parser,
        extra=tuple(word for words in extra or () for word in shlex.split(words)),
        python=vllm_python,
        log=log,
    )
    typer.echo("Starting vLLM; that takes a minute, and longer for large models.", err=True)
    with serve(*(students or ()), base=base and model_folder(base), settings=settings) as server:
        _tell(server, format, given=api_key is not None)
        try:
            while True:
                server.check()
                time.sleep(0.5)
        except KeyboardInterrupt:
            typer.echo("Stopping.", err=True)


def _tell(server: VLLMServer, format: Format, *, given: bool) -> None:
    """Address, key and names, and how to use them."""
    from langdistill.students.serving.adapters import Adapters

    adapters = Adapters(server)
    loaded, serving = adapters.loaded(), adapters.serving()
    if format is Format.json:
        told = {"url": server.url, "api_key": server.api_key, "models": list(loaded), "students": serving.current}
        print_json(told, lines=True)
        return
    typer.echo(f"url   {server.url}")
    typer.echo(f"key   {'as given' if given else server.api_key}")
    for name, versions in serving.students.items():
        typer.echo(f"model {name}, which is {versions[-1].name} now{_newer(Path(versions[-1].folder), server)}")
    for name in loaded:
        typer.echo(f"model {name}")
    model = next(iter([*serving.current, *loaded]))
    key = "..." if given else server.api_key
    typer.echo(HINT.format(model=model, url=server.url, key=key))
    typer.echo("Ctrl-C stops it.")


def _newer(current: Path, server: VLLMServer) -> str:
    """What was trained since the version that is served, if anything: a start does not go forward by itself."""
    from langdistill.students.versioned import versions_of

    latest = (versions_of(current.parent) or [current])[-1]
    if latest.name == current.name:
        return ""
    return f"; {latest.name} is newer: langdistill students swap {server.url} {latest}"
