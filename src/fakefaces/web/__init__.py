"""What the servers of this project share: who may ask."""
