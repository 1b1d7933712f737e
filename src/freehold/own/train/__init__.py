"""Recipes: readable scripts over one lean loop."""
