"""Findings: what an answer did not tell its caller. Reads what passes by; never makes a call, never blocks."""
