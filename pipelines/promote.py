"""Register the model that is best on validation; it becomes champion if the test images bear it out."""

from fakefaces.base import environment
from fakefaces.base.files import read_json, write_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.promote import Promote
from fakefaces.params.split import Split
from fakefaces.params.train import Train
from fakefaces.registry.decision import record_of
from fakefaces.registry.evidence import gathered
from fakefaces.registry.promotion import promote
from fakefaces.registry.rescore import measured
from fakefaces.registry.store import Registry


class Params(StageParams):
    """What this stage reads of params.yaml."""

    split: Split
    train: Train
    evaluate: Evaluate
    promote: Promote


def main(params: Params, layout: Layout) -> None:
    rule = params.promote
    metrics = {name: read_json(layout.metrics(name)) for name in params.train.models}
    best = select_candidate(metrics, rule.metric)
    echo(f"best on validation: {best.model} ({rule.metric} {best.validation:.4f})")
    # An output that git does not hold: without one, a fresh clone whose dvc.lock is true would skip this stage.
    write_json(layout.candidate, vars(best))
    if params.split.protocol == "folds":
        echo(
            "cross-validation measures kinds of models, and none of its detectors was tested on all images: nothing is"
        )
        echo("promoted; say split.protocol: grouped for a model to use")
        return
    if environment.dvc_experiment():
        echo("an experiment moves no alias; promote it with: dvc exp apply, then dvc repro")
        return
    version, decision = promote(
        Registry(rule.name),
        gathered(best.model, metrics[best.model], layout.predictions),
        (layout.relative(layout.model(best.model)), layout.model(best.model)),
        rule,
        measured,
        n_resamples=params.evaluate.n_resamples,
        seed=params.seed,
    )
    # Beside the outputs and not one of them: it names a version, which another store numbers otherwise.
    write_json(layout.promotion, record_of(version.number, decision))
    echo(f"{rule.name} version {version.number} is {decision.outcome}: {decision.reason}")


if __name__ == "__main__":
    run_stage(main, Params)
