"""The nouns, frozen, in the words of the field's standards. No I/O, no clock, no chance."""
