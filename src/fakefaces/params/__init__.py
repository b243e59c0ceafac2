"""The records of ``params.yaml``, one module per section: a stage imports the sections that it reads."""
