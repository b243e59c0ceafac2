"""The settings of this kind in ``params.yaml``."""

from typing import Annotated

from pydantic import Field

from fakefaces.base.schema import Schema


class Settings(Schema):
    """The settings of this kind in ``params.yaml``."""

    components: Annotated[int, Field(ge=1)] = 75  # principal components
    landmarks: Annotated[int, Field(ge=2)] = 1000  # training examples in the kernel, at most
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps the components' variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: the larger, the more alike must images be to count
    ridge: Annotated[float, Field(gt=0)] = 0.1  # regularisation: the larger, the smoother
