"""Faces in photographs: where they are, 468 landmarks of each, and the regions of its eyes, nose, mouth and skin."""
