"""The command line: parse, ask, print. Thinking happens elsewhere, so that the console can say the same."""
