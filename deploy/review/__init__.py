"""What a proposed change does to which hosts: both states rendered offline, by the code of each, and compared."""
