"""What a model is given of a photograph: pixels at a size, or a frozen backbone's features of them."""
