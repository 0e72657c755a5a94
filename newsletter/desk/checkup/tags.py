"""Records of the form `name=value; name=value`: DKIM keys (RFC 6376, 3.2) and DMARC (RFC 9989, 4.8)."""


def tags_of(record: str) -> dict[str, str]:
    """The tags, names in lower case; of a name that stands twice the first."""
    found: dict[str, str] = {}
    for part in record.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found
