"""Facts in PostgreSQL (15 or newer): one file for each port, all on one pool."""
