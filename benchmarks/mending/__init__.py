"""What the measurements of the repair stages are made of."""
