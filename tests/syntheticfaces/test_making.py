from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np

from syntheticfaces.making import make_image
from syntheticfaces.plan import draw_plan

# The arrays before the last save, of seed 7 at 128 px. They change only when the drawing changes;
# then the committed set has to be made again too.
DIGEST = "48bb091dc0b95401d7ac32accd29c02c001aeab531907e54de876ca43d1d1260"
COUNT = 8


def digest() -> str:
    total = hashlib.sha256()
    for entry in draw_plan(COUNT, 7):
        total.update(make_image(entry, 128, 7).image.tobytes())
    return total.hexdigest()


def test_the_arrays_before_the_last_save_are_these():
    assert digest() == DIGEST


def test_the_arrays_do_not_depend_on_the_processor():
    from numpy._core import _multiarray_umath as core

    wide = " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__[name])
    script = (
        "import hashlib\n"
        "from syntheticfaces.making import make_image\n"
        "from syntheticfaces.plan import draw_plan\n"
        "total = hashlib.sha256()\n"
        f"for entry in draw_plan({COUNT}, 7):\n"
        "    total.update(make_image(entry, 128, 7).image.tobytes())\n"
        "print(total.hexdigest())\n"
    )
    plain = {
        "NPY_DISABLE_CPU_FEATURES": wide,
        "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX2,FP16,AVX",
        "OPENCV_IPP": "disabled",
        "JSIMD_FORCENONE": "1",
    }
    run = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | plain, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip().splitlines()[-1] == DIGEST


def test_an_image_does_not_depend_on_how_many_are_made():
    short, long = draw_plan(6, 2), draw_plan(60, 2)
    for a, b in zip(short, long, strict=False):
        assert (make_image(a, 128, 2).image == make_image(b, 128, 2).image).all()


def test_a_real_image_has_no_mask_and_a_fake_one_has():
    for entry in draw_plan(6, 5):
        made = make_image(entry, 128, 5)
        assert made.image.shape == (128, 128, 3)
        assert made.image.dtype == np.uint8
        if entry.label == "real":
            assert (made.mask, made.craft, made.donor_camera) == (None, None, None)
        else:
            assert made.mask is not None
            assert made.mask.shape == (128, 128)
            assert 0.004 < made.mask.mean() < 0.35


def test_a_fake_differs_from_its_base_inside_the_mask_only():
    plan = draw_plan(200, 0)
    bases = {entry.base: entry for entry in plan if entry.label == "real" and not entry.decoy}
    fake = next(entry for entry in plan if entry.label == "fake" and entry.base in bases)
    made, base = make_image(fake, 128, 0), make_image(bases[fake.base], 128, 0)
    changed = np.abs(made.image.astype(int) - base.image).max(axis=2) > 1
    assert made.mask is not None
    assert changed[made.mask].mean() > 0.8
    assert changed.sum() < 2.6 * made.mask.sum()
