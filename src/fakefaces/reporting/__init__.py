"""Tables, charts, the HTML page and the model card of a run."""
