from fakefaces.base.errors import *  # noqa: D100, F403
