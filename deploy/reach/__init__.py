"""Who may reach what, computed from what the roles of a fleet declare: offline, before anything is changed."""
