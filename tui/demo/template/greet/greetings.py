"""The greetings, one a language."""

_GREETINGS = {
    "de": "Hallo",
    "en": "Hello",
    "fr": "Bonjour",
}


def languages() -> list[str]:
    """The languages that can be greeted in, as two letters, in alphabetical order."""
    return sorted(_GREETINGS)


def greet(name: str, language: str = "en") -> str:
    """A greeting for `name`. An unknown language raises ValueError."""
    if language not in _GREETINGS:
        raise ValueError(f"no greeting in {language!r}; there are {', '.join(languages())}")
    return f"{_GREETINGS[language]}, {name.strip()}!"
