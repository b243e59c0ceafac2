"""Check the augmentation recipe on real images, write it for the models, and draw examples."""

import numpy as np

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import read_split
from fakefaces.features.files import extract_files
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.augment import Augment
from fakefaces.reporting.augmentations import draw_augmentations
from fakefaces.training.augmentation import Recipe, augment_with_parts

_SPEC = FeatureSpec("pixels", 160)  # of an image in the figure


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    augment: Augment


def main(params: Params, layout: Layout) -> None:
    recipe = Recipe([(step.name, step.arguments) for step in params.augment.transforms])
    table = read_split(layout.images)
    train = table[table["split"] == "train"]
    kinds = train["difficulty"].replace("", "fake").where(train["label"] == 1, "real")
    # the first of each kind (real, easy, mid, hard), then the second of each, and so on
    by_turn = train.assign(kind=kinds, turn=kinds.groupby(kinds).cumcount()).sort_values(["turn", "kind"])
    shown = by_turn.head(params.augment.examples)
    originals = extract_files(_SPEC, [layout.data / name for name in shown["image"]], threads=params.threads)
    parts = shown[list(PARTS)].fillna(-1).to_numpy(dtype=np.int8)
    copies = (augment_with_parts(originals, parts, recipe, seed=[params.seed, k]) for k in range(params.augment.copies))
    draw_augmentations(layout.reports / "augmentations.png", [(originals, parts), *copies], list(shown["kind"]))
    write_json(layout.recipe("none"), Recipe([]).to_json())
    write_json(layout.recipe("standard"), recipe.to_json())
    echo(f"{len(recipe.transforms)} transforms: {', '.join(name for name, _ in recipe.transforms)}")


if __name__ == "__main__":
    run_stage(main, Params)
