"""Drawing of one face at twice its final size."""
