"""The tables in docs/providers/README.md, from the adapters and their tests: python tests/provider_table.py."""

import ast
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from fault_matrix import FAULTS, cell

if TYPE_CHECKING:
    from newsletter.providers.base import Capabilities

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "providers" / "README.md"
BEGIN, END = "<!-- the table: python tests/provider_table.py -->", "<!-- end -->"
FAULTS_BEGIN = "<!-- the faults: python tests/provider_table.py -->"
#: What stands in no adapter: what others wrote that its bytes and its events are held against.
AGAINST = {
    "ses": "botocore's service model, botocore's signer, SNS's published rules",
    "postmark": "django-anymail",
    "sendgrid": "SendGrid's OpenAPI, its signature vector, django-anymail",
    "mailgun": "Mailgun's OpenAPI, django-anymail",
    "resend": "Resend's OpenAPI, svix, standardwebhooks, django-anymail",
    "brevo": "django-anymail",
    "smtp": "aiosmtpd, dkimpy",
}
OPTIONS = {"mailgun": {"domain": "mg.example.org"}, "ses": {"region": "eu-west-1"}}


def table() -> str:
    """The table in Markdown."""
    heads = (
        "provider",
        "recipients a call",
        "bytes a call",
        "after a lost answer",
        "without webhooks",
        "held against",
        "tests",
    )
    lines = [_line(heads), _line(("---",) * len(heads))]
    for name, can in capabilities().items():
        size = f"{can.batch_bytes:,}" if can.batch_bytes else "–"
        after = _after(can.remembers_keys_for, look_ups=can.answers_look_ups)
        link = f"[{name}]({name}.md)"
        lines.append(_line((link, f"{can.batch_size:,}", size, after, _tells(name), AGAINST[name], str(_tests(name)))))
    return "\n".join(lines)


def capabilities() -> "dict[str, Capabilities]":
    """What each provider is able to do, by name."""
    from newsletter.config import ProviderChoice  # noqa: PLC0415 - the script finds the package first
    from newsletter.providers.catalogue import APIS, adapter_of  # noqa: PLC0415
    from newsletter.providers.smtp import from_options  # noqa: PLC0415

    key = "AKIAMADEUP:secret"
    found = {name: adapter_of(ProviderChoice(name=name, options=OPTIONS.get(name, {})), key) for name in sorted(APIS)}
    mail = from_options({"host": "mail.example.org"}, "", domain="example.org")
    return {name: made.capabilities for name, made in found.items()} | {"smtp": mail.capabilities}


def faults() -> str:
    """The table of faults in Markdown: what one of them does in a provider's first call."""
    known = capabilities()
    lines = [_line(("fault", *known)), _line(("---",) * (len(known) + 1))]
    for fault in FAULTS:
        cells = (cell(name, fault, keyed=can.remembers_keys_for is not None).words for name, can in known.items())
        lines.append(_line((fault, *cells)))
    return "\n".join(lines)


def _after(memory: timedelta | None, *, look_ups: bool) -> str:
    """What a crash or a lost answer means, in words."""
    if memory:
        minutes = memory.total_seconds() / 60
        span = f"{minutes:g} minutes" if minutes < 120 else f"{minutes / 60:g} hours"
        return f"repeated under its key, within {span}"
    return "asked about" if look_ups else "held until an event or a person says more"


def _tells(name: str) -> str:
    """What it says when it is asked, where no webhook can reach us."""
    from newsletter.providers.pollable import POLLS  # noqa: PLC0415 - as above

    if name not in POLLS:
        return "bounces, from a mailbox"
    module, maker = POLLS[name]
    return str(getattr(import_module(f"newsletter.providers.{module}"), maker).tells)


def _tests(name: str) -> int:
    """How many test functions an adapter has: its own, and those that it inherits."""
    own = ROOT.glob(f"tests/providers/test_{name}*.py")
    return sum(map(_functions, own)) + (_functions(ROOT / "tests" / "adapter_suite.py") if name != "smtp" else 0)


def _functions(path: Path) -> int:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in ast.walk(tree))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """The page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    for begin, made in ((BEGIN, table()), (FAULTS_BEGIN, faults())):
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{made}\n{END}{rest.partition(END)[2]}"
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), encoding="utf-8")
