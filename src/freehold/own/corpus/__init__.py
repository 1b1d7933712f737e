"""What a model learns from: gathered, cleaned, split, and told in a card."""
