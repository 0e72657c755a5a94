"""What can go wrong with people and their lists. The messages say what, where and what to do next."""


class SubscriberError(Exception):
    """Something a person can act on."""


class BadAddress(SubscriberError):
    """Not an address that this list accepts."""


class UnknownSubscriber(SubscriberError):
    """Nobody with that address is on the list."""


class IllegalChange(SubscriberError):
    """The life-cycle of a subscriber does not allow this; nothing was changed."""


class BadFile(SubscriberError):
    """The file cannot be imported; nothing was changed."""


class BadToken(SubscriberError):
    """The token was not made by us, or not for this."""


class ExpiredToken(BadToken):
    """The token was made by us and for this, and its time is over."""

    def __init__(self, sentence: str, ref: str) -> None:
        super().__init__(sentence)
        self.ref = ref  #: whom it names


class FormerLink(SubscriberError):
    """The token was made by us, for a reader whose address was changed since: it opens nothing but leaving."""


class WrongKey(SubscriberError):
    """The secret key is not the one that the database was made with; nothing was changed."""
