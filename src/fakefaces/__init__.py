"""fakefaces: detect doctored face photographs, and evaluate the detectors so that the metrics can be trusted."""

from fakefaces.base.environment import set_defaults

set_defaults()
