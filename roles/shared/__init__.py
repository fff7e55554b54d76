"""What roles are built from: settings, catalogue, managed files, packages, services, handlers."""
