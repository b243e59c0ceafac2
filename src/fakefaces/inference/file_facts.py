"""Facts of an image file that no pixel is decoded for: its digest, size, format and how it was encoded.

``fakefaces score`` writes them beside each score, and ``fakefaces watch`` compares them with those of the training
data, which have the same names in ``outputs/facts.csv``. A registered model does not compute them.
"""

import hashlib

from pydantic import BaseModel, ConfigDict

from fakefaces.base.errors import ImageError
from fakefaces.data import images


class FileFacts(BaseModel):
    """Facts of one file; its fields are columns in this order. All are null where it could not be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str | None = None  # of the bytes
    bytes: int | None = None
    # those below are null where the header cannot be read
    format: str | None = None
    mode: str | None = None  # as stored: RGB, L, CMYK ...
    width: int | None = None  # pixels, before the EXIF orientation is applied
    height: int | None = None
    program: str | None = None  # the EXIF Software tag, or empty
    orientation: int | None = None  # EXIF, 1 to 8; 1 where there is none
    quantization: str | None = None  # digest of the JPEG luma table with its first four values, or empty
    subsampling: str | None = None  # of the JPEG's chroma, or empty


FACT_COLUMNS = tuple(FileFacts.model_fields)
PROGRAM = 200  # characters of the EXIF Software tag, which may be of any length in a file that means harm
_OF_HEADER = FACT_COLUMNS[2:]


def file_facts(data: bytes) -> FileFacts:
    """The facts of a file's bytes, whatever they are."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        header = images.header(data)
    except ImageError:  # its score has the problem
        return FileFacts(sha256=digest, bytes=len(data))
    values = {name: getattr(header, name) for name in _OF_HEADER} | {"program": header.program[:PROGRAM]}
    return FileFacts(sha256=digest, bytes=len(data), **values)
