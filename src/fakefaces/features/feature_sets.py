"""From a feature set of params.yaml to what the networks that are trained on it read of an image."""

from fakefaces.features.spec import FeatureSpec
from fakefaces.params.prepare import FeatureSet


def spec_of(feature_set: FeatureSet) -> FeatureSpec:
    """What the networks that are trained on a feature set read of an image."""
    residuals = feature_set.extractor == "residuals"
    return FeatureSpec(
        feature_set.extractor,
        feature_set.image_size,
        feature_set.crop if residuals and feature_set.backbone else 0,
        feature_set.harmonise,
        region_sizes=feature_set.strangers > 0,
    )
