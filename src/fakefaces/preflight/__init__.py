"""The check of the whole of ``params.yaml`` before the first stage does anything."""
