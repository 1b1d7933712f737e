"""The ASGI application: who may come in, and the stations a request passes."""
