"""Measurements that can be repeated: each module is one command and writes what it found into this folder."""
