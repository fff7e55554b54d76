"""From roles to changed hosts: look, plan, carry out, and the guard that undoes what cuts a host off."""
