"""The MLflow store compared with the project: what is missing, what differs, and how to repair it."""
