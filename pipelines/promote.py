"""Register the model that is best on validation; it becomes champion if the test images bear it out."""

from fakefaces.base import environment
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, waiting_for
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.leaderboard.publishing import publish
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.promote import Promote
from fakefaces.params.split import Split
from fakefaces.params.train import Train
from fakefaces.registry.candidates import pipeline_candidate
from fakefaces.registry.promotion import Promotion, promote
from fakefaces.registry.rescore import score_champion
from fakefaces.registry.store import Registry
from fakefaces.registry.upgrade import upgrade_champion
from fakefaces.tracking.connection import Connection
from fakefaces.tracking.pages import is_served, runs_page
from fakefaces.tracking.store import connect


class Params(StageParams):
    """What this stage reads of params.yaml."""

    split: Split
    train: Train
    evaluate: Evaluate
    promote: Promote


def main(params: Params, layout: Layout) -> None:
    select_and_promote(params, layout)
    with Connection():  # the last line of a pipeline's run
        address = runs_page(connect().experiment_id)
        how = "" if is_served(environment.tracking_uri()) else " (make ui serves and opens it)"
        echo(f"compare the models at {address}{how}")


def select_and_promote(params: Params, layout: Layout) -> None:
    """Write the model that is best on validation, and promote it where that is meant."""
    rule = params.promote
    metrics = {name: ModelMetrics.read(layout.metrics(name)) for name in params.train.models}
    best = select_candidate(metrics, rule.metric)
    echo(f"best on validation: {best.model} ({rule.metric} {best.validation:.4f})")
    # An output that git does not hold: without one, a fresh clone whose dvc.lock is true would skip this stage.
    write_json(layout.candidate, vars(best))
    if params.split.protocol == "folds":
        echo("cross-validation compares kinds of models, and tests no single detector on all images: nothing is")
        echo("promoted; set split.protocol: grouped for a model to use")
        return
    if environment.dvc_experiment():
        echo("an experiment sets no alias; promote it with: dvc exp apply, then dvc repro")
        return
    registry, candidate = Registry(rule.name), pipeline_candidate(layout, best.model)
    upgrade_champion(registry, layout)
    n_resamples, seed = params.evaluate.n_resamples, params.seed
    with waiting_for("the comparison with the champion, and the registry"):
        version, decision = promote(
            Promotion(registry, candidate, rule, score_champion, n_resamples, seed, layout.data)
        )
    # Beside the outputs and not one of them: it names a version, which another store numbers otherwise.
    write_json(layout.promotion, decision.record(version.number))
    publish({decision.digest})  # for the logged model behind the version
    echo(f"{rule.name} version {version.number} is {decision.outcome}: {decision.reason}")


if __name__ == "__main__":
    run_stage(main, Params)
