"""Shared mathematics: persistent arrays, event-time order, cells, hashing. Pure."""
