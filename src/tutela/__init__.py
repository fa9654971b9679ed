"""tutela: from sensor to courtroom, one accountable log."""

__version__ = "0.1.0"
