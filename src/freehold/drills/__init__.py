"""What if: a provider, a jurisdiction or a licence is lost on purpose; over recorded traffic, then for real."""
