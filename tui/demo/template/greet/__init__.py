"""Says hello in several languages."""

from greet.greetings import greet, languages

__all__ = ["greet", "languages"]
__version__ = "1.0.0"
