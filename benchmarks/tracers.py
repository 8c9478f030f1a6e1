"""The recorder and its peers, each as it is set up for production, but sending to a local sink or to nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

from langchain_core.callbacks import BaseCallbackHandler
from sink import Sink

from langdistill import TraceRecorder

QUEUE = 100_000
"""Spans that may wait for an exporter: none is dropped (the default of OpenTelemetry is 2,048)."""
ATTRIBUTES = 100_000
"""Of a span: none is dropped (the default of OpenTelemetry is 128; OpenInference makes several of each message)."""


@dataclass
class Tracer:
    """One contender."""

    name: str
    handlers: list[BaseCallbackHandler] = field(default_factory=list)
    flush: Callable[[], Any] = lambda: None
    close: Callable[[], Any] = lambda: None
    kept: Callable[[], int] | None = None
    """How many runs of LangChain it has handed on since it was made, where that can be counted."""
    dependencies: dict[str, str] = field(default_factory=dict)


class Nothing(BaseCallbackHandler):
    """A handler that hears every event and does nothing."""

    run_inline = True

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None: ...
    def on_chain_end(self, *args: Any, **kwargs: Any) -> None: ...
    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None: ...
    def on_llm_end(self, *args: Any, **kwargs: Any) -> None: ...
    def on_tool_start(self, *args: Any, **kwargs: Any) -> None: ...
    def on_tool_end(self, *args: Any, **kwargs: Any) -> None: ...


def nobody(sink: Sink, folder: Path, *, sends: bool) -> Tracer:
    """No handler at all: what two equal things differ by here."""
    return Tracer("no handler (control)")


def nothing(sink: Sink, folder: Path, *, sends: bool) -> Tracer:
    """What any handler costs."""
    return Tracer("a handler that does nothing", [Nothing()])


def langdistill(sink: Sink, folder: Path, *, sends: bool) -> Tracer:
    """Ours, into an SQLite file."""
    recorder = TraceRecorder(folder / "traces.db")

    def close() -> None:
        recorder.close()
        if recorder.lost:
            raise RuntimeError(f"The recorder lost {recorder.lost} events; its figures would not count.")

    return Tracer("langdistill", [recorder], recorder.flush, close)


def langsmith(sink: Sink, folder: Path, *, sends: bool) -> Tracer:
    """LangSmith's, over HTTP to the sink, compressed as its cloud asks for."""
    from langchain_core.tracers.langchain import LangChainTracer
    from langsmith import Client

    client = Client(api_url=sink.url, api_key="none")
    tracer = LangChainTracer(client=client, project_name="bench")
    return Tracer("LangSmith", [tracer], client.flush, client.cleanup, dependencies=_versions("langsmith"))


def langfuse(sink: Sink, folder: Path, *, sends: bool) -> Tracer:
    """Langfuse's; gzip, its default, where it sends."""
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler
    from opentelemetry.sdk.trace import TracerProvider

    exporter = None if sends else _counter()
    key = f"pk-lf-{time.monotonic_ns()}"
    client = Langfuse(
        public_key=key, secret_key="sk-lf-none", base_url=sink.url, tracer_provider=TracerProvider(), span_exporter=exporter
    )  # fmt: skip
    return Tracer(
        "Langfuse",
        [CallbackHandler(public_key=key)],
        client.flush,
        client.shutdown,
        exporter.count if exporter else None,
        _versions("langfuse"),
    )


def openinference(sink: Sink, folder: Path, *, sends: bool) -> Tracer:
    """OpenInference's, through the SDK of OpenTelemetry; gzip where it sends."""
    from openinference.instrumentation import OITracer, TraceConfig
    from openinference.instrumentation.langchain._tracer import OpenInferenceTracer
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    counter = None if sends else _counter()
    exporter = counter or OTLPSpanExporter(endpoint=f"{sink.url}/v1/traces", compression=Compression.Gzip)
    provider = TracerProvider(span_limits=SpanLimits(max_span_attributes=ATTRIBUTES))
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE))
    tracer = OpenInferenceTracer(OITracer(provider.get_tracer("bench"), config=TraceConfig()), False)  # type: ignore[arg-type]
    return Tracer(
        "OpenInference, OpenTelemetry",
        [tracer],
        provider.force_flush,
        provider.shutdown,
        counter.count if counter else None,
        _versions("openinference-instrumentation-langchain", "opentelemetry-sdk"),
    )


CONTENDERS = (nobody, nothing, langdistill, langsmith, langfuse, openinference)


def present() -> tuple[list[Callable[..., Tracer]], list[str]]:
    """The contenders whose packages are installed, and the packages that are missing."""
    otel = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    needs = {langfuse: ("langfuse",), openinference: ("openinference.instrumentation.langchain", *otel)}
    missing = {make: [one for one in needs.get(make, ()) if not _importable(one)] for make in CONTENDERS}
    return [make for make in CONTENDERS if not missing[make]], [one for found in missing.values() for one in found]


def _importable(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def _versions(*packages: str) -> dict[str, str]:
    return {package: version(package) for package in packages}


def _counter() -> Any:
    """An exporter that counts spans and sends them nowhere."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Counting(SpanExporter):
        spans = 0

        def export(self, spans: Sequence[Any]) -> SpanExportResult:
            self.spans += len(spans)
            return SpanExportResult.SUCCESS

        def count(self) -> int:
            return self.spans

    return Counting()


EVENTS = (
    "on_chain_start", "on_chain_end", "on_chain_error", "on_chat_model_start", "on_llm_start", "on_llm_new_token",
    "on_llm_end", "on_llm_error", "on_tool_start", "on_tool_end", "on_tool_error",
)  # fmt: skip


class Inside:
    """Seconds inside a handler's callbacks, per turn of an agent: a turn begins with its node "model"."""

    def __init__(self) -> None:
        self.turn = 0
        self.spent: list[tuple[int, float]] = []
        self._depth = threading.local()

    def timed(self, event: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, with a clock around it; one that another calls is counted once."""

        def clocked(handler: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(self._depth, "inside", False):
                return method(handler, *args, **kwargs)
            if event == "on_chain_start" and kwargs.get("name") == "model":
                self.turn += 1
            turn, self._depth.inside = self.turn, True
            started = time.perf_counter()
            try:
                return method(handler, *args, **kwargs)
            finally:
                self.spent.append((turn, time.perf_counter() - started))
                self._depth.inside = False

        return clocked

    def of(self, turn: int) -> float:
        """Seconds of one turn."""
        return sum(seconds for number, seconds in self.spent if number == turn)

    def total(self) -> float:
        """Seconds of all of them."""
        return sum(seconds for _, seconds in self.spent)


@contextmanager
def clocks(tracer: Tracer) -> Iterator[Inside]:
    """Clocks around the callbacks of a contender's class, as LangChain copies some handlers while a graph runs."""
    inside = Inside()
    with patch.multiple(type(tracer.handlers[0]), **_clocked(type(tracer.handlers[0]), inside)):
        yield inside


def _clocked(kind: type[BaseCallbackHandler], inside: Inside) -> dict[str, Any]:
    own = {event: getattr(kind, event) for event in EVENTS}
    heard = {event: method for event, method in own.items() if method is not getattr(BaseCallbackHandler, event)}
    return {event: inside.timed(event, method) for event, method in heard.items()}
