"""``fakefaces shadow``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment


def shadow(
    scored: Annotated[
        list[Path],
        typer.Argument(
            help="The log of fakefaces serve --shadow, or outputs of fakefaces score --shadow.", show_default=False
        ),
    ],
    labels: Annotated[
        Path,
        typer.Option(help="What people said: labels.csv of a review, or a table of labelled images."),
    ] = Path("reviews/labels.csv"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Decide between champion and challenger by the corrections that have come in: promote, keep, or go on."""
    from fakefaces.monitoring.shadow_decision import Verdict, decide_shadow
    from fakefaces.monitoring.shadow_log import read_labels, read_pairs
    from fakefaces.params.file import load

    params = load(environment.workspace() / "params.yaml")
    rule = params.promote
    decision = decide_shadow(
        read_pairs(scored),
        read_labels(labels),
        margin=rule.margin,
        slice_margin=rule.slice_margin,
        seed=params.seed,
    )
    if as_json:
        print(json.dumps(asdict(decision)))
        return
    print(f"{decision.verdict}: {decision.reason}")
    print(
        f"{decision.shadowed:,} photographs scored by both, which disagree on {decision.disagreements:,}; "
        f"{decision.corrected:,} corrected"
    )
    if decision.expected:
        print(f"about {decision.expected:,} more corrections are to be expected")
    elif decision.verdict is Verdict.GO_ON:
        print("how many more corrections it takes cannot be said yet")
    if decision.verdict is Verdict.PROMOTE:
        print("promote it by the gate: fakefaces promote challenger")
