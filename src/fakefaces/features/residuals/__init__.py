"""What an image tells at its native resolution: noise, sharpness and traces of processing, part by part.

Numbers in, numbers out; no TensorFlow: ``features.describe`` an image.
"""
