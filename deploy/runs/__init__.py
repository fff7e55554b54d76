"""What a command does, from opening connections to the record of it. Shows nothing."""
