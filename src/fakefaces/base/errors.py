"""The errors that a user can cause. Each message says what is wrong, where, and what to do."""


class FakefacesError(Exception):
    """Base of all errors of this project; entry points print it as one line and exit with 1."""


class ParamsError(FakefacesError):
    """A key or value of ``params.yaml`` cannot be used."""


class DataError(FakefacesError):
    """The photographs under ``data/`` cannot be used as they are."""


class ImageError(FakefacesError):
    """One image cannot be decoded, or is refused before decoding."""


class ModelError(FakefacesError):
    """A model cannot be built, loaded or applied."""


class TrackingError(FakefacesError):
    """The MLflow store does not hold, or cannot take, what was asked of it."""
