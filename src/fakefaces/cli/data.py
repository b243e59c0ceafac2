"""``fakefaces data``."""

from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import DataError


def data(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, an archive (.zip, .tar.gz), a table of paths and labels (.csv), an https:// or s3:// "
            "address, or 'kaggle' to download CIPLAB's data set.",
            show_default=False,
        ),
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the images in data/.")] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Add to the images in data/. Without SOURCE: accept data/ as it is.")
    ] = False,
    update: Annotated[bool, typer.Option("--update", help="Fetch the source of the last import again.")] = False,
    restore: Annotated[
        bool,
        typer.Option("--restore", help="Bring data/ back to the last import; changed files go to data.aside/."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    real: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="A folder of real images, in SOURCE or anywhere.", show_default=False),
    ] = None,
    fake: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="A folder of fake images, in SOURCE or anywhere.", show_default=False),
    ] = None,
    keep_splits: Annotated[
        bool, typer.Option("--keep-splits", help="Keep the splits that folders (train, valid, test) or a column name.")
    ] = False,
    only_sure: Annotated[
        bool, typer.Option("--only-sure", help="Of reviews: leave out labels that people were not sure of.")
    ] = False,
    path_column: Annotated[
        str, typer.Option(metavar="NAME", help="Of a table: the column of paths.", show_default=False)
    ] = "",
    label_column: Annotated[
        str, typer.Option(metavar="NAME", help="Of a table: the column of labels.", show_default=False)
    ] = "",
    fake_label: Annotated[
        str, typer.Option(metavar="VALUE", help="Of a table: the label that means fake.", show_default=False)
    ] = "",
    split_column: Annotated[
        str, typer.Option(metavar="NAME", help="Of a table: the column of splits.", show_default=False)
    ] = "",
) -> None:
    """Import images into data/, or accept or undo what was changed there; then run: dvc repro."""
    from fakefaces.ingest import importing, replacing
    from fakefaces.ingest.tables import Dialect

    root = environment.workspace()
    if sum((replace, add, update, restore)) > 1:
        raise DataError("of --replace, --add, --update and --restore one can be given")
    named = bool(source or real or fake)
    if restore and not named:
        replacing.restore(root)
        return
    if add and not named:
        replacing.take_in(root)
        return
    options = importing.Options(
        mode="replace" if replace else "add" if add else "",
        dry_run=dry_run,
        reals=tuple(real or ()),
        fakes=tuple(fake or ()),
        keep_splits=keep_splits,
        only_sure=only_sure,
        dialect=Dialect(path_column, label_column, split_column, fake_label),
    )
    if update:
        importing.update(root, source, options)
    elif restore:
        raise DataError("--restore takes no SOURCE; it brings data/ back to the last import")
    elif not named:
        raise DataError("name a SOURCE, such as a folder; or --add, --update or --restore for what is in data/")
    else:
        importing.import_photographs(source, root, options)
