"""Tests of the pure core: what is decided and computed without a file, a network or a terminal."""
