"""The report as one self-contained HTML page, and the model card."""
