"""Purpose, legal basis, consent, retention, roles, two-person, refusals. Pure."""
