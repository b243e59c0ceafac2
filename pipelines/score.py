"""Score the validation and test images with a saved detector, from their files, as serving does."""

from fakefaces import detector, runtime
from fakefaces.base.files import write_text
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import track
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import read_split
from fakefaces.scoring import p_fakes, score_files


def main(params: Params, layout: Layout, name: str) -> None:
    table = read_split(layout.images)
    seen = table[table["split"] != "train"]
    runtime.start(params.seed, params.threads)
    loaded = detector.load(layout.model(name))
    paths = [layout.data / image for image in seen["image"]]
    scores = track(score_files(loaded, paths, threads=params.threads), f"scoring {name}", len(paths))
    scored = seen[["image", "split"]].assign(p_fake=p_fakes(scores))
    write_text(layout.scores(name), scored.to_csv(index=False, float_format="%.8f"))


if __name__ == "__main__":
    run_stage(main)
