"""Labels, splits, decoding and corruptions of images."""
