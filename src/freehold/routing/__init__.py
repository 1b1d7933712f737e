"""Order, failover and breakers. Nothing here connects: the attempt itself is a `Call` that is handed in."""
