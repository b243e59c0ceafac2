"""The camera of an identity: optics, sensor, white balance and its own JPEG file."""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from syntheticfaces.exact import Bytes, Plane, blur, integer_gaussian_kernel

_SPAN = 12.0  # standard deviations of noise that the filter's range of 0..1 stands for


@dataclass(frozen=True)
class Camera:
    """One camera and its settings; noise is a standard deviation in 8-bit code values at mid grey."""

    blur: float
    noise: float
    shot: float  # share of the noise variance that follows the light (Poisson)
    chroma: float  # correlation of the noise between the colour channels
    grain: float  # size of the noise's grains after demosaicing: standard deviation of a Gaussian, pixels
    balance: tuple[float, float, float]
    contrast: float
    brightness: float
    saturation: float
    quality: int


def draw_camera(rng: np.random.Generator) -> Camera:
    """A random camera, from ranges that are the same for both classes."""
    warm, tint = float(rng.normal(0, 0.045)), float(rng.normal(0, 0.018))
    return Camera(
        blur=float(rng.uniform(0.25, 0.85)),
        noise=float(math.exp(rng.uniform(math.log(2.0), math.log(6.0)))),
        shot=float(rng.uniform(0.1, 0.9)),
        chroma=float(rng.uniform(0.15, 0.85)),
        balance=(1 + warm, 1 + tint, 1 - warm),
        contrast=float(rng.uniform(0.88, 1.14)),
        brightness=float(rng.normal(0, 6)),
        saturation=float(rng.uniform(0.82, 1.15)),
        quality=int(rng.integers(80, 98)),
        grain=float(rng.uniform(0.5, 0.9)),
    )


def jpeg_round_trip(image: Bytes, quality: int) -> Bytes:
    """Compress and decode an image as JPEG (4:2:0, standard tables)."""
    with Image.open(io.BytesIO(encode_jpeg(image, quality))) as decoded:
        return np.asarray(decoded.convert("RGB"))


def encode_jpeg(image: Bytes, quality: int) -> bytes:
    """A baseline JPEG file of an RGB image, always with the same kind of header."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality, subsampling=2)
    return buffer.getvalue()


def _develop(light: Plane, camera: Camera) -> Plane:
    """White balance, saturation and contrast, on code values 0..1."""
    grey = (light[:, :, 0] * 0.3 + light[:, :, 1] * 0.59 + light[:, :, 2] * 0.11)[:, :, None]
    balanced = (grey + (light - grey) * camera.saturation) * np.array(camera.balance, dtype=np.float32)
    developed: Plane = (balanced - 0.5) * camera.contrast + 0.5 + camera.brightness / 255
    return developed


def _correlate_noise(noise: Plane, size: float) -> Plane:
    """Correlate white noise of unit variance over grains of a size; the variance stays 1."""
    kernel = integer_gaussian_kernel(size).astype(np.float64)
    variance = float((kernel**2).sum() / kernel.sum() ** 2)  # along one axis; both are equal
    soft = blur(noise * (1 / _SPAN) + 0.5, size)
    return (soft - 0.5) * (_SPAN / variance)


def photograph(scene: Bytes, camera: Camera, rng: np.random.Generator) -> Bytes:
    """Photograph a scene: ``(H, W, 3)`` uint8 RGB to the same."""
    light = blur(scene.astype(np.float32) * (1 / 255), camera.blur)
    image = _develop(light, camera)
    common = _correlate_noise(rng.standard_normal(scene.shape[:2], dtype=np.float32), camera.grain)[:, :, None]
    single = _correlate_noise(rng.standard_normal(scene.shape, dtype=np.float32), camera.grain)
    grain = common * math.sqrt(camera.chroma) + single * math.sqrt(1 - camera.chroma)
    level = np.clip(image, 0.02, 1)
    # Poisson noise in its normal approximation: variance in proportion to the light.
    spread = np.sqrt(1 - camera.shot + 2 * camera.shot * level)
    noisy = image * 255 + grain * spread * camera.noise
    return jpeg_round_trip(np.rint(np.clip(noisy, 0, 255)).astype(np.uint8), camera.quality)
