"""Values that carry the way: findings, plan, record, drift, waves. Pure: no socket, no pyinfra."""
