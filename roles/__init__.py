"""What each host should be: one role a file, found by its name; what roles are built from is in `roles.shared`."""
