"""The report as one self-contained page, and the model card: tables, charts and pictures of a whole run."""
