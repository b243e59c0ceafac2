"""A training that several models of ``params.yaml`` need is done once, whichever of their stages comes first.

The untuned values of a tuned model are often those of another row: both stages train the same network.
"""

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from fakefaces.base.digests import digest_of
from fakefaces.base.paths import Layout
from fakefaces.base.progress import waiting_for
from fakefaces.data.computed import Computed, Values, version_of
from fakefaces.params.train import Train
from fakefaces.training.fit import training_code
from fakefaces.training.loop import FitState, OnEpoch


@dataclass(frozen=True)
class SharedTraining:
    """Where the best weights and the history of a training are kept, beside what is kept of images."""

    path: Path
    version: str  # of all that the training depends on: others are removed
    title: str  # what tells it from the model's trainings of other folds and seeds

    def once(
        self, train: Callable[[], tuple[Any, FitState]], build: Callable[[], Any], on_epoch: OnEpoch
    ) -> tuple[Any, FitState]:
        """Train a network, or build it and give it the weights that are kept; wait where another stage trains it.

        Args:
            train: returns the network with the weights of its best epoch, and its state.
            build: returns the network before its training.
            on_epoch: called with each row of a history that is kept; ``train`` does that itself.
        """
        trained: list[tuple[Any, FitState]] = []

        def kept() -> Values:
            trained.append(train())
            network, state = trained[0]
            return np.array(json.dumps(vars(state))), *network.get_weights()

        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name(re.sub(r"\W+", "-", f"{self.path.stem} {self.title}").strip("-") + ".lock")
        with ExitStack() as stack:
            with waiting_for("another stage, which trains the same network"):
                stack.enter_context(FileLock(lock))
            computed = stack.enter_context(Computed(self.path, self.version))
            state, *weights = computed.once(f"{self.version} {self.title}", kept, keep=lambda values: True)
        if trained:
            return trained[0]
        network, finished = build(), FitState(**json.loads(str(state)))
        network.set_weights(weights)
        for row in finished.history:
            on_epoch(row)
        return network, finished


def shared_training(layout: Layout, train: Train, name: str, title: str, settings: object) -> SharedTraining | None:
    """What is kept of a training of a model by the values of its row; None where no other row has the same.

    Args:
        layout: of the project.
        train: the section of ``params.yaml``.
        name: of the model.
        title: of the training among those of the model.
        settings: what it depends on besides, anything that JSON can write.
    """
    rows = {other: model.model_dump(exclude={"tuned"}) for other, model in train.models.items()}
    same = [other for other, row in rows.items() if row == rows[name]]
    if len(same) == 1:
        return None
    model = train.models[name]
    inputs = [layout.images, layout.features(model.features), layout.recipe(model.augment), *training_code()]
    more = [settings, train.fit.model_dump(), rows[name], metadata.version("albumentations")]
    version = version_of(layout, "train", digest_of(inputs, more))
    return SharedTraining(layout.computed(f"train-{same[0]}"), version, title)
