"""What an editor would be told of a recording, and what is wrong with it."""
