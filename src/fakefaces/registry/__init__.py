"""Which model is promoted: candidates, decisions, and MLflow's registry."""
