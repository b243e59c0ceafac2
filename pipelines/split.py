"""Divide the photographs into train, validation and test."""

from fakefaces.base.files import write_text
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import say
from fakefaces.base.stage import run_stage
from fakefaces.data.faces import find_faces
from fakefaces.data.splits import SPLITS, split_faces


def main(params: Params, layout: Layout) -> None:
    faces = find_faces(layout.data)
    split = split_faces(
        faces,
        test_size=params.split.test_size,
        validation_size=params.split.validation_size,
        seed=params.seed,
    )
    write_text(layout.split, split.to_csv(index=False))
    sizes = split["split"].value_counts()
    say(f"{len(split)} images: " + ", ".join(f"{sizes[name]} {name}" for name in SPLITS))


if __name__ == "__main__":
    run_stage(main)
