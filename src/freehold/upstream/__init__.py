"""The only door to providers: connections, credentials, and how each provider is addressed."""
