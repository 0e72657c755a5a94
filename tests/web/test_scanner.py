"""A mail scanner: it fetches every link of every mail, and nothing may come of it (S-18)."""

import re
from dataclasses import replace

import pytest
from desk_samples import furnished
from post_samples import Reader, ask
from readers_web import dump, open_web
from sqlalchemy import Engine

from newsletter.desk import sending, writing
from newsletter.desk.post import deliver

OURS = re.compile(r"https://news\.example\.org(/[^\s\"<>]*)")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_following_every_link_of_every_mail_changes_nothing(engine: Engine, method: str) -> None:
    """Of an issue, of a question and of "you are on the list already": the database is the same to the last byte."""
    here, reader = furnished(engine), Reader(remembers=True)
    here.desk = replace(here.desk, provider=reader)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    sending.send(here.desk, "1", by="test", pause=lambda _: None)
    ask(here, "eve@example.org", "Ada@example.org")
    deliver(here.desk)
    links = {link for mail in reader.mails for link in OURS.findall(f"{mail.html} {mail.text} {mail.headers}")}
    before = dump(here)

    with open_web(here) as web:
        codes = {link.split("/")[1]: web.request(method, link).status_code for link in links}
    assert dump(here) == before
    assert {"u", "vote", "confirm", "never"} <= set(codes)
    assert method == "OPTIONS" or [codes[name] for name in ("u", "vote", "confirm", "never")] == [200] * 4
