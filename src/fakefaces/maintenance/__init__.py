"""The MLflow store and the project held against each other: what is missing, what differs, how it is mended."""
