"""What is decided, as data: made from an analysis and a preset, written to be read and edited, read back strictly."""
