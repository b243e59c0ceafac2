"""``fakefaces promote``."""

from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.cli.model_names import as_promoted, complete_model

_REASON = 1000  # characters


def promote(
    candidate: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="A version's number or alias, the name of a model in params.yaml, a run's id, a models:/ URI, or a "
            "detector's folder.",
            autocompletion=complete_model,
            show_default="the pipeline's best model on validation",
        ),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Make the previous champion the champion again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the decision without changing anything.")] = False,
    force: Annotated[
        str | None,
        typer.Option(
            metavar="REASON", help="Promote regardless of the decision; the reason is recorded.", show_default=False
        ),
    ] = None,
) -> None:
    """Make a model the champion if it is not inferior to the present one on the same test images."""
    from fakefaces.leaderboard.publishing import publish
    from fakefaces.params.file import load
    from fakefaces.registry import candidates, promotion
    from fakefaces.registry.rescore import score_champion
    from fakefaces.registry.store import Registry

    if rollback and (candidate or force):
        raise FakefacesError("--rollback takes neither a candidate nor --force")
    if force is not None and not 0 < len(force.strip()) <= _REASON:
        raise FakefacesError(f"--force takes the reason, which is recorded: a sentence of at most {_REASON} characters")
    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    rule = params.promote
    registry = Registry(rule.name, create=False)
    if rollback and dry_run:
        print(f"version {registry.previous_champion().number} would be champion again; nothing was changed")
        return
    if rollback:
        champion, former = registry.roll_back()
        replaced = f", in place of version {former.number}" if former else ""
        print(f"{registry.name} version {champion.number} is champion again{replaced}")
        return
    if candidate:
        model = candidates.named_candidate(registry, as_promoted(candidate), layout)
    else:
        model = candidates.best_of_pipeline(layout, params.train.models, rule.metric)
    n_resamples, seed = params.evaluate.n_resamples, params.seed
    inputs = promotion.Promotion(registry, model, rule, score_champion, n_resamples, seed, layout.data)
    if dry_run:
        decision = inputs.decide(model.version(registry), registry.champion())
        print(f"{decision.markdown()}\n\nnothing was changed")
        return
    version, decision = promotion.promote(inputs, force)
    write_json(layout.promotion, decision.record(version.number))
    publish({decision.digest})  # for the logged model behind the version
    print(f"{registry.name} version {version.number}")
    print(decision.markdown())
    if decision.outcome != "champion":
        raise FakefacesError(f"version {version.number} is not champion; --force REASON promotes it all the same")
