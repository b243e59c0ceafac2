"""``fakefaces promote``."""

from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.params.file import load


def promote(
    candidate: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|VERSION]",
            help="A version, by number or alias, or a run, by id or name.",
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
    if rollback:
        if candidate or force:
            raise FakefacesError("--rollback takes neither a candidate nor --force")
        roll_back(dry_run)
    else:
        promote_candidate(candidate, dry_run, force)


def roll_back(dry_run: bool) -> None:
    """Make the previous champion the champion again, or print which one that is."""
    from fakefaces.registry.store import Registry

    registry = Registry(load(environment.workspace() / "params.yaml").promote.name)
    if dry_run:
        print(f"version {registry.before().number} would be champion again; nothing was changed")
        return
    former, present = registry.roll_back()
    replaced = f", in place of version {present.number}" if present else ""
    print(f"{registry.name} version {former.number} is champion again{replaced}")


def promote_candidate(name: str | None, dry_run: bool, force: str | None) -> None:
    """Compare a candidate with the champion, and promote it or print the decision."""
    from fakefaces.registry import candidates, promotion
    from fakefaces.registry.decision import described, record_of
    from fakefaces.registry.rescore import measured
    from fakefaces.registry.store import Registry

    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    registry = Registry(params.promote.name)
    evidence, entry = candidates.named(registry, name, layout) if name else candidates.of_pipeline(layout, params)
    sampling = {"n_resamples": params.evaluate.n_resamples, "seed": params.seed}
    if dry_run:
        version = promotion.known(registry, evidence, entry)
        decision = promotion.judge(evidence, version, registry.champion(), params.promote, measured, **sampling)
        print(described(decision))
        print("\nnothing was changed")
        return
    version, decision = promotion.promote(registry, evidence, entry, params.promote, measured, force=force, **sampling)
    write_json(layout.promotion, record_of(version.number, decision))
    print(f"{registry.name} version {version.number}")
    print(described(decision))
    if decision.outcome != "champion":
        raise FakefacesError(f"version {version.number} is not champion; --force REASON promotes it all the same")
