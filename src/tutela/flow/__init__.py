"""The eight steps of an observation's life, as loops over ports. One step, one file."""
