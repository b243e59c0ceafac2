"""``fakefaces promote``."""

from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.params.file import load


def promote(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|VERSION]",
            help="A version's number or alias, or a run's id or name.",
            show_default="the best of the present pipeline on validation",
        ),
    ] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Make the former champion champion again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Promote whatever the gate says; the reason is kept.", show_default=False),
    ] = None,
) -> None:
    """Make a model champion if it holds against the present one on the same test images."""
    if rollback:
        if what or force:
            raise FakefacesError("--rollback goes to the former champion; leave out what else to promote")
        back(dry_run)
    else:
        forward(what, dry_run, force)


def back(dry_run: bool) -> None:
    """Go back to the former champion, or say which one that is."""
    from fakefaces.registry.store import Registry

    registry = Registry(load(environment.workspace() / "params.yaml").promote.name)
    if dry_run:
        print(f"version {registry.before().number} would be champion again; nothing was changed")
        return
    former, present = registry.roll_back()
    until = f", in place of version {present.number}" if present else ""
    print(f"{registry.name} version {former.number} is champion again{until}")


def forward(what: str | None, dry_run: bool, force: str | None) -> None:
    """Hold a candidate against the champion, and promote it or say what would become of it."""
    from fakefaces.registry import candidates, promotion
    from fakefaces.registry.decision import described, record_of
    from fakefaces.registry.rescore import measured
    from fakefaces.registry.store import Registry

    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    registry = Registry(params.promote.name)
    evidence, entry = candidates.named(registry, what, layout) if what else candidates.of_pipeline(layout, params)
    sampling = {"n_resamples": params.evaluate.n_resamples, "seed": params.seed}
    if dry_run:
        version = promotion.known(registry, evidence, entry)
        found = promotion.judge(evidence, version, registry.champion(), params.promote, measured, **sampling)
        print(described(found))
        print("\nnothing was changed")
        return
    version, found = promotion.promote(registry, evidence, entry, params.promote, measured, force=force, **sampling)
    write_json(layout.promotion, record_of(version.number, found))
    print(f"{registry.name} version {version.number}")
    print(described(found))
    if found.outcome != "champion":
        raise FakefacesError(f"version {version.number} is not champion; --force REASON promotes it all the same")
