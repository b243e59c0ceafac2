"""State of the search as a ``.npz`` file of plain arrays, so that a later search only processes new images."""

import io
import zipfile
from pathlib import Path

import numpy as np

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write
from fakefaces.duplicates import agreement, candidates, features, hashing, pairs, sketches, verification, votes
from fakefaces.duplicates.pairs import COLUMNS, SearchState

# Everything that changes a result: states of other settings must not be mixed.
SETTINGS = " ".join(
    str(value)
    for value in (
        "duplicates-3",  # version of the algorithm
        features.MAX_SIDE,
        features.MAX_KEYPOINTS,
        hashing.BANDS,
        hashing.BYTES,
        hashing.BITS,
        sketches.KEYPOINTS,
        candidates.MAX_HAMMING_DISTANCE,
        hashing.MIN_SUM,
        votes.MOST_VOTES,
        agreement.MIN_VOTES,
        agreement.MIN_KEYPOINTS,
        agreement.MAX_DISTANCE,
        agreement.VOTE_TOLERANCE,
        agreement.FIRST_TOLERANCE,
        agreement.LAST_TOLERANCE,
        verification.TOLERANCE,
        verification.MIN_COSINE,
        pairs.MIN_STORED_INLIERS,
    )
)


def save_state(search: SearchState, path: Path) -> None:
    """Write the state atomically; equal states give equal bytes in every version of Python, 256 bytes an image."""
    arrays = {
        "settings": np.array(SETTINGS),
        "seed": np.array(search.seed, dtype=np.int64),
        "keys": np.array(search.keys, dtype=np.str_),
    }
    for column in COLUMNS:
        values = search.pairs[column].to_numpy()
        arrays[f"pairs_{column}"] = values.astype(np.str_) if column in "ab" else values
    with atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in arrays.items():
            # np.savez leaves the headers of the entries to zipfile, which writes others in other versions of Python.
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getbuffer())


def load_state(path: Path) -> SearchState:
    """Read a state written by :func:`save_state`. No code in it is executed.

    Raises:
        DataError: no such file, a broken one, or one of another version or other settings.
    """
    try:
        # Opened here, as numpy does not close a broken file.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        settings = str(arrays["settings"])
        if settings != SETTINGS:
            raise DataError(f"{path}: written with other settings ({settings}, not {SETTINGS}); delete it")
        rows = list(zip(*(arrays[f"pairs_{column}"].tolist() for column in COLUMNS), strict=True))
        keys = tuple(str(key) for key in arrays["keys"].tolist())
        return SearchState(keys=keys, pairs=pairs.pair_table(rows), seed=int(arrays["seed"]))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a state of the duplicate search, or a broken one ({error}); delete it") from None
