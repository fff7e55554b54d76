"""What people are told of what changed since they were told last: by e-mail and webhook, a municipality's own alone."""
