"""Validate the images with Great Expectations; a critical failure stops the pipeline and names the files."""

from fakefaces.base.errors import DataError
from fakefaces.base.files import write_json, write_text, written_aside
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import say
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import read_split
from fakefaces.validation.expectations import Rules, failures, validate_images
from fakefaces.validation.facts import image_facts


def main(params: Params, layout: Layout) -> None:
    split = read_split(layout.split)
    facts = image_facts(layout.data, list(split["image"]), threads=params.threads)
    table = split.merge(facts, on="image", validate="one_to_one")
    with written_aside(layout.reports / "data_docs") as docs:
        summary = validate_images(table, Rules(**params.validate_.model_dump()), docs)
    for line in failures(summary, "warning"):
        say(f"WARNING {line}")
    unreadable = table[~table["readable"]]
    for image, problem in zip(unreadable["image"], unreadable["problem"], strict=True):
        say(f"unreadable: data/{image}: {problem}")
    if not summary["success"]:
        raise DataError(
            "\n  ".join(["the images fail validation:", *failures(summary, "critical")])
            + "\nRemove or mend these files, or change the rules in params.yaml: validate."
        )
    accepted = table[table["readable"]].drop(columns=["readable", "problem"])
    write_text(layout.images, accepted.to_csv(index=False))
    write_json(layout.reports / "validation.json", summary)
    say(f"{len(accepted)} of {len(table)} images accepted")


if __name__ == "__main__":
    run_stage(main)
