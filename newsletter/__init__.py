"""Weekly Verdicts: a newsletter that writes itself and reaches every subscriber exactly once."""

__version__ = "0.1.0"
