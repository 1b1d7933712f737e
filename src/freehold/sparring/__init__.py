"""Providers that misbehave on purpose, over real HTTP: for the demo, for drills and for tests.

`server.py` is the partner itself. A request is read (`reading.py`), an answer is made up (`answer.py`), put
into the caller's dialect (`chat.py`, `messages.py`, `embeddings.py`), spoilt where asked to (`faults.py`) and
played onto the socket byte for byte (`connection.py`).
"""
