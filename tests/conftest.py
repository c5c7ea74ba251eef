"""What holds for all tests."""

from mediaclean.cli.memory import one_thread_per_product

one_thread_per_product()  # as the command does: two workers' threads would wait for each other in busy loops
