"""Subtitle cues: phrases on a grid of ticks, split, laid out and moved to picture cuts."""
