"""Which images share a photograph, so that a split never separates them.

``describe`` an image, ``find_pairs`` among many, ``group_images`` over the pairs. Local features are found on
each image alone, hashed with fixed random projections, and the few pairs of images whose features meet and
agree on a motion are verified. No step looks at the set as a whole, so an image that is added costs its own
comparison and changes nothing else.
"""

from fakefaces.duplicates.features import Features, describe, describe_all
from fakefaces.duplicates.groups import group_images
from fakefaces.duplicates.pairs import Known, find_pairs, name_pairs, update
from fakefaces.duplicates.registration import register
from fakefaces.duplicates.state import load_known, save_known

__all__ = [
    "Features",
    "Known",
    "describe",
    "describe_all",
    "find_pairs",
    "group_images",
    "load_known",
    "name_pairs",
    "register",
    "save_known",
    "update",
]
