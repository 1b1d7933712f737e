"""What is personal in a text and has no form that tells it: names above all. docs/pii-model.md describes the model."""
