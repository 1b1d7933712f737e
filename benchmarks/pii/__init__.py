"""A tagger of personal data: what it learns from, and what it is tested on. See benchmarks.own_pii."""
