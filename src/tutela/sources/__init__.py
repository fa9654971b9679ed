"""Where observations and facts come in. One file per kind of source."""
