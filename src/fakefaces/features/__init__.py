"""From the pixels of a photograph to the input of a model, without Keras."""
