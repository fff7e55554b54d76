"""What roles for hosts with a shell are built from: files, packages, services, accounts, kernel settings, handlers."""
