"""From shadow to canary to default, each step on evidence, and back by itself."""
