"""The seeds of several trainings of one model."""

import numpy as np


def seed_of_training(seed: int, number: int) -> int:
    """The seed of a training by its number: that of ``params.yaml`` for 0, and others derived from it.

    Weights, order, augmentation and dropout depend on it; the split, the features and the study do not.
    """
    return seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
