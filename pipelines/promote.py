"""Register the model that is best on validation; it becomes champion if the test images bear it out."""

import json
import subprocess
import sys

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.base.files import read_json, write_json
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import say
from fakefaces.base.stage import run_stage
from fakefaces.promotion import Candidate, choose, decide
from fakefaces.tracking.registry import Registry, Version


def main(params: Params, layout: Layout) -> None:
    metric = params.promote.metric
    metrics = {name: read_json(layout.metrics(name)) for name in params.train.models}
    best = choose(metrics, metric)
    say(f"best on validation: {best.model} ({metric} {best.validation:.4f})")
    # An output that git does not hold: without one, a fresh clone whose dvc.lock is true would skip this stage.
    write_json(layout.candidate, vars(best))
    if params.split.protocol == "folds":
        say("cross-validation measures kinds of models, and none of its detectors was tested on all images: nothing is")
        say("promoted; say split.protocol: grouped for a model to use")
        return
    if environment.experiment():
        say("an experiment moves no alias; promote it with: dvc exp apply, then dvc repro")
        return
    registry = Registry(params.promote.name)
    version = registry.register(
        layout.relative(layout.model(best.model)), best.digest, {"model": best.model, "test.digest": best.test_digest}
    )
    registry.challenge(version)
    present = registry.champion()
    champion = measured(present, best, layout, metric) if present else None
    decision = decide(best, champion, metric)
    registry.note(
        version,
        f"{best.model}: {decision.reason}",
        {f"test.{metric}": f"{best.test:.6f}", f"validation.{metric}": f"{best.validation:.6f}"}
        | {"test.digest": best.test_digest},
    )
    if decision.promoted:
        registry.crown(version)
    outcome = "champion" if decision.promoted else "challenger"
    write_json(
        layout.reports / "promotion.json",
        {"version": version.number, "outcome": outcome, "reason": decision.reason, "candidate": vars(best)},
    )
    say(f"{params.promote.name} version {version.number} is {outcome}: {decision.reason}")


def measured(champion: Version, best: Candidate, layout: Layout, metric: str) -> Candidate:
    """The champion's figure on the candidate's test images: as noted, or measured now in a process of its own.

    The other process loads TensorFlow; it is needed only when the data changed under the champion.
    """
    noted = champion.tags.get(f"test.{metric}")
    if noted and champion.tags.get("test.digest") == best.test_digest:
        value = float(noted)
    else:
        say(f"measuring the champion (version {champion.number}) on these test images")
        command = [sys.executable, "-m", "fakefaces.remeasure", champion.uri, str(layout.images), metric]
        done = subprocess.run(command, cwd=layout.root, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise TrackingError(f"{champion.uri}: the champion could not be measured; see the lines above")
        value = float(json.loads(done.stdout)[metric])
    return Candidate(champion.tags.get("model", "?"), champion.tags.get("digest", ""), best.test_digest, value, value)


if __name__ == "__main__":
    run_stage(main)
