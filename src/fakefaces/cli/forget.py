"""``fakefaces forget``."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import DataError

if TYPE_CHECKING:
    from fakefaces.maintenance.forgetting.forget import Plan

_NAMED = 12  # steps of one place that are listed


def forget(
    photographs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Paths of photographs, or their sha256. None to go on with what was interrupted.", show_default=False
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Otherwise it is only listed.")] = False,
    remote: Annotated[bool, typer.Option("--remote", help="In DVC's remotes, too.")] = False,
) -> None:
    """Take photographs, and all that was made of them, out of data/, caches, reports, reviews and MLflow."""
    from fakefaces.cli.model_names import registered_name
    from fakefaces.maintenance.forgetting import forget as forgetting
    from fakefaces.maintenance.forgetting.photographs import is_unfinished

    root = environment.workspace()
    if not photographs and not is_unfinished(root):
        raise DataError("name a PHOTOGRAPH: its path, or its sha256")
    plan = forgetting.plan(root, photographs or [], forgetting.store_or_none(), registered_name(), remote=remote)
    _print(plan, done=yes)
    if yes:
        plan.execute()
        print("\nforgotten; make what is missing anew with: dvc repro")
    else:
        print("\nnothing was removed yet; do it with: --yes")


def _print(plan: "Plan", *, done: bool) -> None:
    names = [", ".join(p.names) or p.sha256 for p in plan.photographs]
    print(f"forgetting {', '.join(names)}\n\n{'removed' if done else 'to be removed'}:")
    counts = Counter(removal.place for removal in plan.removals)
    for place, n in counts.items():
        print(f"  {place} ({n})")
        steps = [removal.what for removal in plan.removals if removal.place == place]
        print("".join(f"    {step}\n" for step in steps[:_NAMED]), end="")
        if n > _NAMED:
            print(f"    and {n - _NAMED:,} more")
    if not counts:
        print("  nothing: no trace of it is left here")
    print("\nwhat stays:")
    print("".join(f"  {sentence}\n" for sentence in plan.remaining), end="")
