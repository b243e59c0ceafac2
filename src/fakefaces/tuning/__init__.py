"""A study of trainings: what a trial is, how the next one is chosen, and what the study shows."""
