"""The records of ``params.yaml``, one module a section: a stage imports the sections that it reads."""
