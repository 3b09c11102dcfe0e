"""Seeded nonsense for what strangers feed the host: policy files, URLs, headers. `python -m tests.fuzz --help`."""
