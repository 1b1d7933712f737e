"""What is known about providers, as rows with their source and date. Reaches no network."""
