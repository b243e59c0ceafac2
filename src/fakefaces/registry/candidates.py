"""What may be promoted: the best of the present pipeline, a registered version, or the model of a run."""

from fakefaces.base.errors import TrackingError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.params.file import Params
from fakefaces.registry import evidence
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import Entry
from fakefaces.registry.rescore import test_digest
from fakefaces.registry.store import Registry
from fakefaces.tracking import detectors


def of_pipeline(layout: Layout, params: Params) -> tuple[Evidence, Entry]:
    """The model that is best on validation among those that ``reports/metrics`` tells of.

    Raises:
        ModelError: no model has the figure.
        TrackingError: the pipeline has not run.
    """
    lacking = [path for path in (*map(layout.metrics, params.train.models), layout.predictions) if not path.is_file()]
    if lacking:
        raise TrackingError(f"{layout.relative(lacking[0])} is not there; make it with: dvc repro")
    metrics = {name: read_json(layout.metrics(name)) for name in params.train.models}
    model = select_candidate(metrics, params.promote.metric).model
    folder = layout.model(model)
    return evidence.gathered(model, metrics[model], layout.predictions), (layout.relative(folder), folder)


def named(registry: Registry, what: str, layout: Layout) -> tuple[Evidence, Entry]:
    """A version by its number or alias, or the model of a run by the run's id, its beginning, or its name.

    Its evaluation is taken from the store: on this workspace's test images where it has one on them.

    Raises:
        TrackingError: there is no such version or run, or it was never evaluated.
    """
    number = what.removeprefix(f"models:/{registry.name}/").removeprefix("v")
    version = registry.version(int(number)) if number.isdecimal() else registry.at(what.split("@")[-1])
    if version:
        return _evaluated(version.tags.get("digest", ""), layout), version
    path, digest, uri = detectors.trained(what)
    return _evaluated(digest, layout), (path, detectors.fetch(uri))


def _evaluated(digest: str, layout: Layout) -> Evidence:
    return evidence.find(digest, test_digest(layout)) or evidence.needed(digest)
