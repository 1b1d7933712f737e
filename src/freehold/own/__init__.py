"""From internal data to an own model, measured, served and promoted on evidence. Never in a process that serves."""
