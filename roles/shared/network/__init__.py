"""What several roles must agree on about the network: who announces what, who may pass, whose time is asked."""
