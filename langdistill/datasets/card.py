"""The card of a data set: what a reader must know, with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

from typing import Any

import orjson

from langdistill.datasets.splitting import SPLITS


def card_of(manifest: dict[str, Any]) -> str:
    """The card as Markdown."""
    filters = ", ".join(f"`{one['name']}`" for one in manifest["filters"]) or "none"
    rows = manifest["rows"]
    return f"""---
{_front_matter(manifest)}---
# Data set {manifest["hash"][:12]}

{rows["train"]} rows to train on and {rows["validation"]} to validate with, split by problem. Target: `{manifest["target"]}`. Format: `{manifest["format"]}`. Filters: {filters}.
{_classes(manifest)}{_supervision(manifest)} What was dropped is in `rejects.jsonl`, with its reason.

| stage | kept | dropped | why |
|---|---|---|---|
{_stages(manifest)}

Consent: {_terms(manifest, "consent")}. Licence: {_terms(manifest, "licence")}. Of each row they are in `sources.jsonl`, with the ids of the traces that it was made of.
"""


def _front_matter(manifest: dict[str, Any]) -> str:
    there = [split for split in SPLITS if manifest["rows"][split]]
    files = "".join(f"  - split: {split}\n    path: {split}.{manifest['container']}\n" for split in there)
    licences = sorted(manifest.get("terms", {}).get("licence", {}))
    licence = f"license: {_quoted(licences[0])}\n" if len(licences) == 1 else "license: other\n" if licences else ""
    tags = ["langdistill", *(["supervised"] if manifest.get("supervised") or manifest.get("hint_used") else [])]
    return f"{licence}tags: [{', '.join(tags)}]\nconfigs:\n- config_name: default\n  data_files:\n{files}"


def _classes(manifest: dict[str, Any]) -> str:
    """Of a data set of classes, how many rows each has, and how many rows a problem gave."""
    if not (found := manifest.get("classes")):
        return ""
    told = "; ".join(
        f"{split}: " + ", ".join(f"{label} {count}" for label, count in counts.items())
        for split, counts in found.items()
        if counts
    )
    sizes = ", ".join(f"{size} ({count} problems)" for size, count in manifest.get("rows_per_problem", {}).items())
    return f"Rows by class: {told}. Rows a problem: {sizes}. "


def _supervision(manifest: dict[str, Any]) -> str:
    reading = ", ".join(f"`{name}`" for name in manifest.get("supervised", []))
    told = f"*Supervised*: gold answers were read by {reading}." if reading else "No gold answer was read."
    if not (hinted := manifest.get("hint_used")):
        return told
    proven = any(one["name"] == "no_hint" for one in manifest["filters"])
    return (
        f"*Supervised*: of {hinted} rows the teacher had been told the gold answer (`hint_used` in `sources.jsonl`). "
        + ("The filter `no_hint` found no row that tells it." if proven else "Whether a row tells it was not checked.")
        + (f" Gold answers were read by {reading}, too." if reading else "")
    )


def _stages(manifest: dict[str, Any]) -> str:
    return "\n".join(
        f"| {stage['stage']} | {stage['kept']} | {stage['dropped']} | "
        f"{', '.join(f'{reason}: {count}' for reason, count in stage['reasons'].items())} |"
        for stage in manifest["funnel"]
    )


def _terms(manifest: dict[str, Any], kind: str) -> str:
    found = manifest.get("terms", {}).get(kind, {})
    return ", ".join(f"{term} ({count} rows)" for term, count in found.items()) or "none was recorded"


def _quoted(text: str) -> str:
    """As JSON, which is YAML; a licence may hold any character."""
    return orjson.dumps(text).decode()
