"""MLflow's store: runs, logged models, and their provenance."""
