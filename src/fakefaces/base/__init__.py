"""What every stage stands on: records of parameters, paths, files, progress, errors, the environment."""
