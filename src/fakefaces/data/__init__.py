"""From a folder of photographs to a table of labelled, divided images."""
