"""Real hosts to rehearse on: booted on this machine from the same inventory as the real fleet."""
