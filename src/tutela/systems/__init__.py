"""The city systems, each a list of purposes and part names. No code."""
