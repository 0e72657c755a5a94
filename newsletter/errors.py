"""What can go wrong, as one tree.

* NewsletterError                 anything a person can act on; the command line prints it as one sentence, exit code 1
    * ConfigError                 config.toml or the environment
    * DatabaseError               missing, too old, too new, locked, full
        * DatabaseBusy            somebody else is writing; nothing was changed, and the same may be tried again
        * ConnectionLost          to a server; whether the last commit was kept is not known
    * SourceError                 a page, feed or sitemap that could not be had (never mistaken for "nothing new")
        * NotAComparison          a page that was read and is not a compare page; names the line
        * FetchRefused            an address that is not fetched, or an answer too large or too slow
    * IssueError                  an issue: unknown number, an illegal step, a render that does not match its approval
        * IllegalStep             the life-cycle does not allow this; nothing was changed
        * PreflightFailed         errors that block approval
    * MailError                   templates, MJML, merging, headers
        * TemplateError           names template, line and excerpt
        * MergeError              a merge field without a usable value
        * HeaderError             a value that would add or break a header
    * DeliveryError               the ledger and the dispatcher
    * ProviderError               a provider that cannot be used as configured

`subscribers` has a root of its own (`subscribers.errors.SubscriberError`): it imports nothing of ours.
Every message says what, where and what to do next.
"""


class NewsletterError(Exception):
    """Something a person can act on."""


class ConfigError(NewsletterError):
    """A setting is missing, unknown or unusable."""


class DatabaseError(NewsletterError):
    """The database is missing, at another schema, locked or full."""


class Unrecorded(DatabaseError):
    """Calls were made, and their answers could not be written down: the next sender finds out who has it."""

    def __init__(self, why: str) -> None:
        """`why` is the database's own sentence."""
        super().__init__(
            f"{why.removesuffix(' Nothing was changed.')} Calls were made whose answers could not be written down; "
            "nobody is lost. Mend that, then send again: it is found out first who has it."
        )


class DatabaseBusy(DatabaseError):
    """Somebody else has been writing for too long; nothing was changed, and the same may be tried again."""


class ConnectionLost(DatabaseError):
    """The connection to the server broke: whether the last commit was kept is not known."""


class SourceError(NewsletterError):
    """A source could not be read: this is never an empty week."""


class NotAComparison(SourceError):
    """The text was read and is not a compare page."""


class FetchRefused(SourceError):
    """The address is not one that is fetched, or its answer is too large, too slow or not a page."""


class IssueError(NewsletterError):
    """An issue cannot do what was asked."""


class IllegalStep(IssueError):
    """The life-cycle of an issue does not allow this step; nothing was changed."""


class PreflightFailed(IssueError):
    """The issue has errors that block its approval."""


class MailError(NewsletterError):
    """A mail cannot be made."""


class TemplateError(MailError):
    """A template is wrong: the message names file, line and excerpt."""


class MergeError(MailError):
    """A merge field has no value that may go into a mail."""


class HeaderError(MailError):
    """A value would add a header, or break one."""


class DeliveryError(NewsletterError):
    """The ledger or the dispatcher cannot go on."""


class SomebodySends(DeliveryError):
    """Another process is sending from the same database."""


class ProviderError(NewsletterError):
    """The provider cannot be used as configured."""
