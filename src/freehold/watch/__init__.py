"""Findings: what an answer did not tell its caller. Reads what passes by; makes no call and blocks nothing."""
