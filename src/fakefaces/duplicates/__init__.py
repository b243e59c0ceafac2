"""Near-duplicate search: images that share a photograph, so that a split never separates them.

``describe`` an image, ``find_pairs`` among many, ``group_images`` over the pairs. Local features are computed for
each image alone and hashed with fixed random projections; pairs of images with colliding features that agree on a
similarity transform are verified by RANSAC. No step depends on the set as a whole, so an added image costs only
its own comparisons and changes no other result.
"""
