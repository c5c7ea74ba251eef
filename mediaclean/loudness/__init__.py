"""How loud: the meter and its filters, true peaks, limiter, normalising, range, delivery specifications."""
