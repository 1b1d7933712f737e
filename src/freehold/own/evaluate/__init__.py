"""How good a model is, beside what it would replace and beside honest baselines, and its card."""
