"""Import photographs and corrected labels into data/."""
