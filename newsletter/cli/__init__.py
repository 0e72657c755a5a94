"""The command line: one file per noun, one sentence per mistake.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from newsletter.cli.app import app
from newsletter.errors import NewsletterError
from subscribers.errors import SubscriberError


def main(words: Sequence[str] | None = None) -> None:
    """Run the command that was typed, or these words; a mistake ends in one sentence on standard error.

    Ends in SystemExit with the exit code, as a command line does.
    """
    try:
        app(words)
    except (NewsletterError, SubscriberError) as error:
        sys.stderr.write(f"newsletter: {error}\n")
        sys.exit(1)
    except BrokenPipeError:  # `newsletter … | head`
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:  # a file or folder that was named and cannot be used
        sys.stderr.write(f"newsletter: {error.filename or 'a file'} cannot be used: {error.strerror or error}.\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("newsletter: interrupted. What was done is kept; run the command again to go on.\n")
        sys.exit(130)
