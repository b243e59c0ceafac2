"""``fakefaces watch``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import DataError
from fakefaces.cli.arguments import Model, fetched
from fakefaces.cli.model_names import model_source

if TYPE_CHECKING:
    from fakefaces.base.paths import Layout
    from fakefaces.monitoring.batches import Batch
    from fakefaces.monitoring.reference import Reference
    from fakefaces.monitoring.watch import BatchResult, Rule

ALARM = 3  # exit code; 1 is an error, 2 a wrong option


def watch(
    scored: Annotated[
        list[Path],
        typer.Argument(
            help="Batches: outputs of fakefaces score, Parquet files of them, or a server's log (.jsonl), each day of "
            "which is a batch.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        Path | None,
        typer.Option(help="A batch that was good.", show_default="the project's images, and scores of those held out"),
    ] = None,
    model: Model = None,
    to: Annotated[Path, typer.Option(help="The folder that the page is written to.")] = Path("reports/watch"),
    alpha: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Probability of any false alarm in the period, at most.")
    ] = 0.05,
    batches: Annotated[int, typer.Option(min=1, help="Batches of the period.")] = 70,
    effect: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share of a batch that must be other than the reference.")
    ] = 0.1,
    log: Annotated[bool, typer.Option("--log/--no-log", help="Log an MLflow run for each batch.")] = True,
) -> None:
    """Compare scored batches with the training data, without labels; exit with 3 where there is an alarm."""
    from fakefaces.base.paths import Layout
    from fakefaces.base.progress import echo, track
    from fakefaces.monitoring.batches import read_batches
    from fakefaces.monitoring.watch import Rule
    from fakefaces.monitoring.watch import watch as compare
    from fakefaces.params.file import load
    from fakefaces.reporting.html.watch_page import write_watch

    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    rule = Rule(alpha, batches, effect, seed=params.seed)
    read = [batch for path in scored for batch in read_batches(path)]
    if len({batch.digest for batch in read}) > 1:
        raise DataError("the batches were scored by different models; watch those of each by themselves")
    before = _reference(layout, read[0], reference, model)
    results = [compare(batch, before, rule, params.validate_) for batch in track(read, "watching", len(read))]
    page = write_watch(to, results, before.name, rule)
    for result in results:
        print(f"{result.name}: {result.images:,} images, {len(result.alarms) or 'no'} alarms")
        for alarm in result.alarms:
            print(f"  ALARM {alarm}")
    if log:
        _log(results, before, rule, page)
    echo(f"page: {page}")
    if any(result.alarms for result in results):
        raise typer.Exit(ALARM)


def _reference(layout: "Layout", batch: "Batch", given: Path | None, model: str | None) -> "Reference":
    from fakefaces.monitoring.batches import read_batches
    from fakefaces.monitoring.reference import batch_reference, project_reference

    if given is None:
        return project_reference(layout, fetched(model_source(model or batch.source or None)))
    batches = read_batches(given)
    if len(batches) > 1:
        raise DataError(f"{given}: {len(batches)} days; name one batch as the reference")
    if batch.digest and batches[0].digest and batch.digest != batches[0].digest:
        raise DataError(f"{given}: scored by {batches[0].source}, and the batches by {batch.source}")
    return batch_reference(layout, batches[0])


def _log(results: "list[BatchResult]", reference: "Reference", rule: "Rule", page: Path) -> None:
    from fakefaces.tracking.runs import stage_run

    for result in results:
        with stage_run(f"watch {result.name}", "watch") as run:
            run.params({"batch": result.name, "reference": reference.name, "rule": asdict(rule)})
            run.metrics({"images": result.images, "alarms": len(result.alarms)})
            for check in result.checks:
                run.metrics({f"effect_{check.observable.name}": check.effect})
                run.metrics({f"p_{check.observable.name}": check.p_value})
            run.tag("alarm", "yes" if result.alarms else "no")
            if result.alarms:
                run.tag("alarms", "\n".join(result.alarms)[:5000])
            run.artifact(page)
            run.artifact(page.with_name("watch.json"))
