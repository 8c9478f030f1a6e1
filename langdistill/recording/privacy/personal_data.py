"""Find personal data with Presidio, offline: what has a pattern always, names and places where a model for them is installed.

Presidio asks for a spaCy model and downloads it when it is missing; here nothing is ever downloaded. Without a model its
recognisers run on a blank pipeline, which knows words and no names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from langdistill.errors import MissingExtra
from langdistill.recording.privacy.redaction import Found, Redactor

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngine
    from spacy.language import Language

PATTERNS = (
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "CRYPTO",
    "US_SSN",
)
"""What is looked for unless asked otherwise, all of it known by its pattern and most by a checksum."""
NAMES = ("PERSON", "LOCATION", "NRP")
"""What takes a model: names, places; nationalities, religions and political groups."""
ANNOUNCED = {*NAMES, "ORGANIZATION", "AGE", "ID", "EMAIL"}
"""What Presidio says that a pipeline finds, even a blank one."""
KINDS = {"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IBAN_CODE": "IBAN"}
"""Presidio's name to ours, where ours is shorter."""
HINTS = (b"@", *(str(digit).encode() for digit in range(10)))
"""Nothing in `PATTERNS` is without one of these."""
MODELS = ("core_web_lg", "core_web_md", "core_web_sm", "core_news_lg", "core_news_md", "core_news_sm")
PIECE = 20_000
"""Characters that are analysed at once: Presidio's time for one text grows faster than its length."""
HALVES = re.compile(r"[\ud800-\udfff]")
"""Halves of surrogate pairs, at which spaCy stops."""
OVERLAP = 300
"""Characters that two pieces share, so that nothing is cut in two."""
PLUS_SCORE = 0.6
"""Of a telephone number that begins with "+"; Presidio gives any number 0.4 unless a word near by says what it is."""


def personal_data(
    *,
    entities: Collection[str] | None = None,
    language: str = "en",
    score: float = 0.5,
    analyzer: AnalyzerEngine | None = None,
) -> Redactor:
    """A redactor that finds personal data.

    `entities` are Presidio's names; by default those of `PATTERNS`, and of `NAMES` as well where a spaCy model of the language is
    installed. **Without a model no name of a person and no place is found.** With an `analyzer` of your own it is everything that
    the analyzer finds. `score`, 0 to 1, is Presidio's confidence from which something is hidden.

    Presidio is loaded when the first text that may hold something is read (seconds), or at once when `entities` are named. A text
    then costs milliseconds a kilobyte (docs/privacy.md).

    Raises:
        MissingExtra: Presidio is not installed.
        ValueError: nothing finds one of the entities: it does not exist, or takes a model that is not installed.
    """
    if analyzer is None and find_spec("presidio_analyzer") is None:
        raise MissingExtra("presidio-analyzer", "privacy")
    return _PersonalData(entities, language, score, analyzer)


class _PersonalData:
    def __init__(
        self, entities: Collection[str] | None, language: str, score: float, analyzer: AnalyzerEngine | None
    ) -> None:
        self._language, self._score = language, score
        self._lock = Lock()
        self._analyzer = analyzer
        self._forgetting: Callable[[], AbstractContextManager[Any]] = nullcontext
        model = None if analyzer else _installed_model(language)
        self._model = model
        self._blank = not (analyzer or model)
        self._entities = list(entities) if entities else None
        if self._entities is None and analyzer is None:
            self._entities = [*PATTERNS, *(NAMES if model else ())]
        self.hints: tuple[bytes, ...] = HINTS if self._entities and set(self._entities) <= set(PATTERNS) else ()
        if entities:
            self._check(self._entities or [])

    def __call__(self, text: str) -> list[Found]:
        if self.hints and not any(character == "@" or character.isdigit() for character in text):
            return []
        text = HALVES.sub("\N{REPLACEMENT CHARACTER}", text)
        return [found for start in _pieces(text) for found in self._read(text[start : start + PIECE], start)]

    def __repr__(self) -> str:
        return f"personal_data(entities={self._entities}, language={self._language!r}, score={self._score})"

    def _read(self, text: str, offset: int) -> Iterator[Found]:
        with self._lock:  # the pipeline's vocabulary is not made for threads
            analyzer = self._loaded()
            with self._forgetting():
                results = analyzer.analyze(
                    text, language=self._language, entities=self._entities, score_threshold=self._score
                )
        for one in results:
            yield Found(one.start + offset, one.end + offset, KINDS.get(one.entity_type, one.entity_type))

    def _loaded(self) -> AnalyzerEngine:
        if self._analyzer is None:
            self._analyzer, pipeline = _offline_analyzer(self._language, self._model)
            # words met in one text would stay in the pipeline's memory, in clear and for ever
            self._forgetting = pipeline.memory_zone
        return self._analyzer

    def _check(self, entities: Sequence[str]) -> None:
        with self._lock:
            known = set(self._loaded().get_supported_entities(self._language))
        if self._blank:
            known -= ANNOUNCED
        if missing := sorted(set(entities) - known):
            raise ValueError(
                f"Nothing here finds {', '.join(missing)}. Found are: {', '.join(sorted(known))}. Names and places take a spaCy "
                f"model (python -m spacy download {self._language}_core_web_sm), or pass an `analyzer` of your own."
            )


def _pieces(text: str) -> range:
    """Where the overlapping pieces of a text begin."""
    return range(0, max(1, len(text) - OVERLAP), PIECE - OVERLAP)


def _installed_model(language: str) -> str | None:
    return next((name for model in MODELS if find_spec(name := f"{language}_{model}")), None)


def _offline_analyzer(language: str, model: str | None) -> tuple[AnalyzerEngine, Language]:
    """Presidio over an installed model or a blank pipeline, with its own recognisers of that language."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    pipeline = spacy.load(model) if model else _blank(language)
    engine: NlpEngine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": model or "blank"}])
    engine.nlp = {language: pipeline}  # what it would load; asking it to would download
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
    for recogniser in _replaced(language):
        registry.remove_recognizer(type(recogniser).__mro__[1].__name__, language)
        registry.add_recognizer(recogniser)
    return AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=[language]), pipeline


def _blank(language: str) -> Language:
    """A pipeline that knows words alone. Each is its own lemma: Presidio compares lemmas with what a number may stand next to."""
    import spacy
    from spacy.language import Language
    from spacy.tokens import Doc

    def lemmas(doc: Doc) -> Doc:
        for token in doc:
            token.lemma_ = token.lower_
        return doc

    Language.component("langdistill_lemmas", func=lemmas)
    pipeline = spacy.blank(language)
    pipeline.add_pipe("langdistill_lemmas")
    return pipeline


def _replaced(language: str) -> list[Any]:
    """Two recognisers of Presidio's with one thing changed each."""
    from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
    from tldextract import TLDExtract

    domains = TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list that it brings; the default asks the network

    class OfflineEmail(EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(domains(pattern_text).fqdn)

    class Phone(PhoneRecognizer):
        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            results = super().analyze(text, entities, nlp_artifacts)
            for one in results:
                if text[one.start] == "+":
                    one.score = max(one.score, PLUS_SCORE)
            return results

    return [OfflineEmail(supported_language=language), Phone(supported_language=language)]
