"""User errors. Each message says what is wrong, where, and what to do."""


class FakefacesError(Exception):
    """Base of all errors of this project; entry points print it and exit with 1."""


class ParamsError(FakefacesError):
    """A key or value of ``params.yaml`` is not allowed."""


class DataError(FakefacesError):
    """The images in ``data/`` cannot be used."""


class ImageError(FakefacesError):
    """An image cannot be decoded, or is refused before decoding.

    ``problem`` is the stable code of :class:`fakefaces.inference.score.Score`; the message is the sentence to it.
    """

    def __init__(self, message: str, problem: str = "broken"):
        super().__init__(message)
        self.problem = problem


class ModelError(FakefacesError):
    """A model cannot be built, loaded or applied."""


class TrackingError(FakefacesError):
    """The MLflow store cannot be reached, or does not hold what is needed."""


class NoStoreError(TrackingError):
    """There is no store at the address yet; whoever only reads creates none."""


class StoreSettingError(TrackingError):
    """``MLFLOW_TRACKING_URI`` names no store that could ever be reached."""
