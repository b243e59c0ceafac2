"""What the extraction of features does to its process."""

import platform
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

FAULTS = """
import resource, sys
from pathlib import Path
from fakefaces.data import images
from fakefaces.features.extract import extract
from fakefaces.features.spec import FeatureSpec

data = Path(sys.argv[1]).read_bytes()
for k in range(10):
    extract(FeatureSpec("residuals", 600, 448), images.decode(data))
    if k == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def printed(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_extraction_starts_no_threads_of_opencv():
    assert printed("import cv2, fakefaces.features.extract; print(cv2.getNumThreads())") == "1"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
def test_the_next_image_reuses_the_memory_of_the_last(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=90, progressive=True)  # the decoder holds all of it
    assert int(printed(FAULTS, str(tmp_path / "noise.jpg"))) < 500  # pages in five images; the pixels alone are 264
