"""NetBox, live: the client, what is asked of it, and the Fleet that its answers make."""
