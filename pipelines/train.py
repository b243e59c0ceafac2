"""Train one model, keep its best epoch, and log the run to MLflow."""

import shutil

import pandas as pd

from fakefaces import images, runtime
from fakefaces.augmentation import Recipe
from fakefaces.base.errors import ParamsError
from fakefaces.base.files import read_json, write_text
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import progress, say
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import read_split
from fakefaces.detector import Card, Detector
from fakefaces.fitting import fit_view, load_view
from fakefaces.models.kinds import blueprint
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.runs import stage_run
from fakefaces.training import Row, Schedule


def main(params: Params, layout: Layout, name: str) -> None:
    model = params.train.models[name]
    found = read_json(layout.tuned(model.tuned))
    where = f"train.models.{name}"
    schedule = params.train.fit_with(model.fit, found["fit"], where=f"{where}.fit")
    plan = blueprint(model.kind, model.settings | found["settings"], f"params.yaml: {where}")
    recipe = Recipe.from_json(read_json(layout.recipe(model.augment)))
    if recipe and params.prepare.views[model.view].backbone:
        raise ParamsError(
            f"params.yaml: train.models.{name}: augment: {model.augment} changes pixels, but the view "
            f"'{model.view}' holds a frozen backbone's features; say augment: none"
        )
    table = read_split(layout.images)
    runtime.start(params.seed, params.threads)
    with stage_run(name, role="train") as run, progress(name, schedule.epochs) as step:
        view = load_view(layout.view(model.view), table)
        run.params(
            {"model": name, "seed": params.seed, "threads": params.threads}
            | model.model_dump(include={"kind", "view", "augment", "tuned"})
            | {"fit": schedule.model_dump(), "settings": plan.settings.model_dump(), "weights": view.weights}
        )

        def on_epoch(row: Row) -> None:
            run.metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
            step(1, f"val_loss {row['val_loss']:.4f} val_roc_auc {row['val_roc_auc']:.3f}")

        unfinished = layout.unfinished("train", name)
        network, state = fit_view(
            view,
            plan,
            Schedule(**schedule.model_dump()),
            recipe=recipe,
            seed=params.seed,
            unfinished=unfinished,
            on_epoch=on_epoch,
        )
        card = Card(
            model=name,
            kind=model.kind,
            image_size=view.image_size,
            weights=view.weights,
            threshold=params.train.threshold,
            parameters=network.count_params(),
        )
        Detector(network, card).save(layout.model(name))
        write_text(layout.history(name), pd.DataFrame(state.history).to_csv(index=False, float_format="%.6f"))
        run.metrics({"best_epoch": state.best_epoch, "epochs": state.epoch})
        run.artifact(layout.history(name))
        log_detector(run, layout.model(name), images.read(layout.data / table["image"].iloc[0]))
        run.made(layout.relative(layout.model(name)), layout.relative(layout.history(name)))
        shutil.rmtree(unfinished, ignore_errors=True)
    say(f"{name}: best epoch {state.best_epoch} of {state.epoch}, weights: {view.weights}")


if __name__ == "__main__":
    run_stage(main)
