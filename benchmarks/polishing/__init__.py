"""What the measurements of the voice's finishing are made of."""
