"""What a pull request changes: results before and after, the gate's decision, images that change sides."""
