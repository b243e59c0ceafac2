"""Import of photographs: copied into ``data/``, checked there, and tracked by DVC."""

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.base.progress import echo, track, waiting_for
from fakefaces.base.secrets import masked
from fakefaces.data.faces import FAKE
from fakefaces.data.given_splits import read_splits, write_splits
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest import corrections
from fakefaces.ingest.changes import compare, digest_of, list_folder
from fakefaces.ingest.collection import Collection, sha256
from fakefaces.ingest.layouts import Layout, Photograph, read_class_folders, read_folder
from fakefaces.ingest.record import known_source
from fakefaces.ingest.recorded_labels import forget_labels, record_labels
from fakefaces.ingest.replacing import recover, replace_data, require_accepted, workplace
from fakefaces.ingest.sources import download_ciplab, is_address, local_copy
from fakefaces.ingest.tables import Dialect

_SPLIT_ORDER = ("test", "validation", "train")  # a content that is in two is kept in the first of these


@dataclass(frozen=True)
class Options:
    """What a person says of a source, and of what to do with it."""

    mode: Literal["replace", "add", ""] = ""  # "" asks, but where nothing of a person's is in data/
    dry_run: bool = False  # say what would change
    reals: tuple[str, ...] = ()  # folders, below the source or anywhere
    fakes: tuple[str, ...] = ()
    keep_splits: bool = False  # of folders or a column
    dialect: Dialect = field(default_factory=Dialect)


def import_photographs(source: str, root: Path, options: Options | None = None) -> None:
    """Copy photographs into ``data/``, and track it; they are checked before ``data/`` is replaced.

    Args:
        source: a folder, an archive, a table of labelled images, an address, ``kaggle``, or "" where ``options`` name
            the folders.
        root: the project's folder.
        options: what to do, and how to read the source.

    Raises:
        DataError: the source cannot be fetched or understood, ``data/`` holds what nobody accepted, or it is not said
            whether to replace or to add; ``data/`` is unchanged.
    """
    options = options or Options()
    recover(root)
    require_accepted(root)
    place = workplace(root)
    place.mkdir(parents=True)
    try:
        local = None
        if source:
            local = download_ciplab() if source == "kaggle" else local_copy(source, place)
        is_table = local is not None and local.is_file()
        mode = options.mode or _default_mode(root, is_table)
        new = place / "set"
        collection = Collection.of(root / "data" if mode == "add" else root / "no data", new)
        labelled: list[corrections.Correction] = []
        if is_table and local:
            layout, labelled = _merge_table(local, collection, options)
        else:
            layout = _merge_folders(local, collection, options)
        _keep_splits(layout, new, options)
        list_photographs(new)
        changes = compare(list_folder(root / "data"), list_folder(new)) if (root / "data").is_dir() else None
        if changes is not None:
            echo(f"data/: {changes}" + (f":\n  {changes.named()}" if len(changes) else ""))
        if options.dry_run:
            echo("nothing was changed (--dry-run)")
            return
        replace_data(root, new, "" if mode == "add" or not source or is_table else _remembered(source, root))
        _record(root, labelled, mode)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    echo("data/ now holds these photographs; run: dvc repro")


def update(root: Path, source: str, options: Options) -> None:
    """Fetch the last import again, and say what changes.

    Raises:
        DataError: the source is not known on this machine, or as for :func:`import_photographs`.
    """
    source = source or known_source(root)
    if not source:
        raise DataError(
            "data.dvc names no source to fetch again: data/ was put together of several, or on another machine. "
            "Name it: fakefaces data SOURCE --update"
        )
    if not is_address(source) and source != "kaggle":
        source = str(root / source)
    echo(f"fetching again: {source}")
    import_photographs(source, root, Options(**(vars(options) | {"mode": "replace"})))


def _default_mode(root: Path, is_table: bool) -> Literal["replace", "add"]:
    """What to do where nobody said: the sample is nobody's, and a table of labels adds to what is there."""
    data, samples = root / "data", root / "samples"
    if not data.is_dir() or not any(data.iterdir()):
        return "replace"
    is_sample = samples.is_dir() and digest_of(list_folder(samples)) == digest_of(list_folder(data))
    if is_table:
        what = "the sample of drawn faces" if is_sample else "what is in data/"
        echo(f"the images of the table are added to {what} (otherwise: --replace)")
        return "add"
    if is_sample:
        echo("data/ holds the sample of drawn faces, which these replace; it stays in samples/")
        return "replace"
    faces = list_photographs(data)
    fakes = int((faces["label"] == FAKE).sum())
    raise DataError(
        f"data/ holds {len(faces) - fakes} real and {fakes} fake images. Say what to do with them: "
        "--replace them by the new ones, or --add the new ones to them"
    )


def _record(root: Path, labelled: list[corrections.Correction], mode: str) -> None:
    """Keep ``corrections.csv`` in step with ``data/``: labels that were added stay, those of replaced ones go."""
    if mode != "add":
        if forget_labels(root):
            echo("corrections.csv was removed: it recorded labels of the photographs that were replaced")
    elif labelled:
        record = record_labels(root, labelled)
        echo(f"{record.name} records these labels for other clones: commit it together with data.dvc")


def _merge_table(table: Path, collection: Collection, options: Options) -> tuple[Layout, list[corrections.Correction]]:
    labelled = corrections.read_corrections(table, options.dialect)
    layout = Layout([Photograph(row.path, row.label, row.split) for row in labelled])
    reals = sum(row.label != FAKE for row in labelled)
    echo(f"{shown(table)}: {reals} images labelled real and {len(labelled) - reals} labelled fake")
    for row in labelled:
        collection.put(row.path, row.label, row.sha256)
    return layout, labelled


def _merge_folders(folder: Path | None, collection: Collection, options: Options) -> Layout:
    if options.reals or options.fakes:
        with waiting_for("the list of files in the named folders"):
            layout = read_class_folders(folder, options.reals, options.fakes)
    elif folder is None:
        raise DataError("name a SOURCE, or folders: --real DIR --fake DIR")
    else:
        with waiting_for(f"the list of files in {shown(folder)}"):
            layout = read_folder(folder)
    where = folder or "the named folders"
    echo(f"{shown(where)}: {layout.summary()}")
    for note in layout.notes:
        echo(f"  {note}")
    fresh = not collection.root.exists()
    for photograph in track(layout.photographs, "copying images", len(layout.photographs)):
        target = collection.add(photograph.path, photograph.label)
        mask = layout.masks.get(photograph.path)
        if target and mask and target.parent.parent == collection.root:
            kept = collection.root / "masks" / f"{target.stem}.png"
            kept.parent.mkdir(exist_ok=True)
            if not kept.exists():
                shutil.copyfile(mask, kept)
    if fresh and layout.manifest:
        shutil.copyfile(layout.manifest, collection.root / "manifest.csv")
    if collection.copies:
        echo(f"  {collection.copies} images are copies of others, byte for byte: each is taken once")
    if collection.renamed:
        reason = "the name of another one, or one that is not plain text"
        echo(f"  {collection.renamed} images have {reason}: their sha256 tells them apart")
    return layout


def _keep_splits(layout: Layout, new: Path, options: Options) -> None:
    """Write ``splits.csv`` of a set that names splits, if a person wants to keep them."""
    if not any(photograph.split for photograph in layout.photographs):
        if options.keep_splits:
            raise DataError("--keep-splits: neither folders (train, valid, test) nor a column name a split")
        return
    if not options.keep_splits:
        echo("  the pipeline splits anew, by photographs; keep these splits with: --keep-splits")
        return
    named: dict[str, set[str]] = {}
    for photograph in layout.photographs:
        named.setdefault(sha256(photograph.path), set()).add(photograph.split)
    several = sum(len(splits - {""}) > 1 for splits in named.values())
    if several:
        echo(f"  {several} images are in several splits: they stay in test, else in validation, only")
    kept = {
        digest: next(split for split in _SPLIT_ORDER if split in splits)
        for digest, splits in named.items()
        if splits - {""}
    }
    write_splits(new, read_splits(new) | kept)
    counts = Counter(kept.values())
    echo("  kept splits: " + ", ".join(f"{counts[name]} {name}" for name in reversed(_SPLIT_ORDER) if counts[name]))


def _remembered(source: str, root: Path) -> str:
    """A source as ``data.dvc`` may name it: a folder of the project relative to it, as it is in every clone.

    An address with a secret is not named, and so not remembered.
    """
    if masked(source) != source:
        echo("the address holds a secret, so data.dvc does not name it; name it again to update: data SOURCE --update")
        return ""
    if is_address(source) or source == "kaggle":
        return source
    path = Path(source).expanduser().resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
