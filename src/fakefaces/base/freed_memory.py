"""Freed memory of this process, given back to the system; without a library, since models are packed with it."""

import ctypes
from contextlib import suppress


def give_back_freed() -> None:
    """Give the memory that was freed in this process back to the system, where its C library can be asked to (glibc).

    It keeps freed blocks of up to 32 MB for the next ones: of a network that was loaded, as much as its weights.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
