"""The kinds of model, one file each. A file is a kind: it has ``Settings`` and ``build``."""
