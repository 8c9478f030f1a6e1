"""`langdistill art`: train what decides when an answer is refined and which of two is trusted, and choose how much to refine."""

from __future__ import annotations

import typer

from langdistill.cli.art.data import data
from langdistill.cli.art.evaluate import evaluate
from langdistill.cli.art.train import train

art = typer.Typer(
    help="ART: train an asker and a truster on answers that were right or wrong, and choose how much to refine.",
    no_args_is_help=True,
)
for command in (data, train, evaluate):
    art.command()(command)
