"""One file per message standard, to and from our nouns. No I/O."""
