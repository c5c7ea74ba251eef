"""The room between the words: where its tone can be learned, a model of it, and where it fills."""
