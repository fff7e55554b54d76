"""Sessions with hosts: SSH for a shell, a command line for devices, and round trips shared by many questions."""
