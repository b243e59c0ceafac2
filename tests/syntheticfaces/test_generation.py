from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np

from syntheticfaces.generation import generate_image
from syntheticfaces.plan import draw_plan

# The arrays before the last save, of seed 7 at 128 px. They change only when the drawing changes;
# then the committed set has to be generated again too.
DIGEST = "48bb091dc0b95401d7ac32accd29c02c001aeab531907e54de876ca43d1d1260"
COUNT = 8


def digest() -> str:
    total = hashlib.sha256()
    for entry in draw_plan(COUNT, 7):
        total.update(generate_image(entry, 128, 7).image.tobytes())
    return total.hexdigest()


def test_the_arrays_before_the_last_save_are_these():
    assert digest() == DIGEST


def test_the_arrays_do_not_depend_on_the_processor():
    from numpy._core import _multiarray_umath as core

    wide = " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__[name])
    script = (
        "import hashlib\n"
        "from syntheticfaces.generation import generate_image\n"
        "from syntheticfaces.plan import draw_plan\n"
        "total = hashlib.sha256()\n"
        f"for entry in draw_plan({COUNT}, 7):\n"
        "    total.update(generate_image(entry, 128, 7).image.tobytes())\n"
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


def test_an_image_does_not_depend_on_how_many_are_generated():
    short, long = draw_plan(6, 2), draw_plan(60, 2)
    for a, b in zip(short, long, strict=False):
        assert (generate_image(a, 128, 2).image == generate_image(b, 128, 2).image).all()


def test_a_real_image_has_no_mask_and_a_fake_one_has():
    for entry in draw_plan(6, 5):
        generated = generate_image(entry, 128, 5)
        assert generated.image.shape == (128, 128, 3)
        assert generated.image.dtype == np.uint8
        if entry.label == "real":
            assert (generated.mask, generated.settings, generated.donor_camera) == (None, None, None)
        else:
            assert generated.mask is not None
            assert generated.mask.shape == (128, 128)
            assert 0.004 < generated.mask.mean() < 0.35


def test_a_fake_differs_from_its_base_inside_the_mask_only():
    plan = draw_plan(200, 0)
    bases = {entry.base: entry for entry in plan if entry.label == "real" and not entry.decoy}
    fake = next(entry for entry in plan if entry.label == "fake" and entry.base in bases)
    generated, base = generate_image(fake, 128, 0), generate_image(bases[fake.base], 128, 0)
    changed = np.abs(generated.image.astype(int) - base.image).max(axis=2) > 1
    assert generated.mask is not None
    assert changed[generated.mask].mean() > 0.8
    assert changed.sum() < 2.6 * generated.mask.sum()
