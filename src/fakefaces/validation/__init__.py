"""What the photographs are, held against what they should be."""
