"""What MLflow's pages show of evaluated models: a row for each, its logged models, the best of a run, descriptions."""
