"""Bytes to frames: HTTP/1.1 answers and server-sent events. No sockets here."""
