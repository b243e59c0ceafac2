"""What a model looks at: heat maps, whether they point at the forgery, feature maps and filters."""
