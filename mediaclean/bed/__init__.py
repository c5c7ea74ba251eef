"""What lies under speech: how loud it is, what becomes of it, and how well that can be known."""
