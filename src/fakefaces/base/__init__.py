"""What every stage stands on: parameters, paths, files, progress, errors, the environment."""
