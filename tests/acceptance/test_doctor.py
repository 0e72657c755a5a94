"""`newsletter doctor` as an operator types it."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Done
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dns_server import Zone, name_server
from loopback import loopback

from newsletter.desk.checkup.dkim_keys import public_der

Run = Callable[..., Done]

CONFIG = """
[publication]
name = "Weekly Verdicts"
from = "Weekly Verdicts <verdicts@news.weekly.dev>"
reply_to = "editor@weekly.dev"
base_url = "https://news.weekly.dev"
postal_address = "1 Sample Street, 12345 Exampletown"

[telling]
operators = ["otto@weekly.dev"]

[web]
trusted_proxies = ["127.0.0.1"]

[provider]
name = "postmark"
address = "{address}"
key_file = "postmark.key"
"""


def zone() -> Zone:
    """A domain that is set up right, but for p=none."""
    key = base64.b64encode(public_der(generate_private_key(65_537, 2048).public_key())).decode()
    return Zone(
        [
            'pm-bounces.news.weekly.dev. TXT "v=spf1 ip4:192.0.2.1 ~all"',
            f'pm._domainkey.weekly.dev. TXT "v=DKIM1; k=rsa; p={key[:200]}" "{key[200:]}"',
            '_dmarc.weekly.dev. TXT "v=DMARC1; p=none; rua=mailto:reports@weekly.dev"',
            "news.weekly.dev. MX 10 in.weekly.dev.",
            "weekly.dev. MX 10 in.weekly.dev.",
        ]
    )


@pytest.fixture
def words(run: Run, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The command, for a newsletter that is set up right, with a provider and a name server on this machine."""
    with loopback() as provider, name_server(zone()) as port:
        provider.answer("/server", b'{"TrackOpens": false, "TrackLinks": "None", "DeliveryType": "Live"}')
        handling = b'"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Custom"}'
        provider.answer("/message-streams/broadcast", b'{"MessageStreamType": "Broadcasts", %s}' % handling)
        (tmp_path / "config.toml").write_text(CONFIG.format(address=f"http://127.0.0.1:{provider.port}"))
        (tmp_path / "postmark.key").write_text("secret-key")
        run("init", "--yes")
        yield ("doctor", "--nameserver", f"127.0.0.1:{port}", "--return-path", "pm-bounces.news.weekly.dev")


def found(done: Done) -> dict[str, Any]:
    """The lines by what was looked at."""
    return {one["looked_at"]: one for one in json.loads(done.stdout)["findings"]}


def test_the_demo_is_not_ready_to_send_and_nothing_is_red(run: Run) -> None:
    """Nothing leaves the machine, so nobody is hurt; and DNS is not asked."""
    run("demo")
    done = run("--config", "outbox/demo/config.toml", "doctor")

    assert "0 red, " in done.stdout
    assert "yellow  publication.base_url: http://localhost:8000" in done.stdout
    assert "what would be red with a real provider is yellow" in done.stdout
    assert "DNS was not asked" in done.stdout


def test_a_newsletter_that_is_set_up_right_has_no_red_line(run: Run, words: tuple[str, ...]) -> None:
    """Settings, headers, DNS and the account; the words for people and the lines for programs."""
    told = run(*words).stdout
    lines = found(run(*words, "--json"))

    assert "DKIM key pm._domainkey.weekly.dev: 2048 bits." in told
    assert {name for name, one in lines.items() if one["light"] != "green"} == {
        "Provider postmark",
        "Webhooks of postmark",
        "DMARC of news.weekly.dev",
    }
    assert lines["DMARC alignment with news.weekly.dev"]["found"].startswith("DKIM by weekly.dev (relaxed); SPF by pm-")
    assert lines["Postmark stream 'broadcast', unsubscribing"]["about"] == "Account"
    assert "secret-key" not in told + str(lines)


def test_one_red_line_is_exit_code_one(run: Run, words: tuple[str, ...]) -> None:
    """And says what to do."""
    done = run(*words, "--selector", "s9", "--json", code=1)

    assert json.loads(done.stdout)["worst"] == "red"
    assert found(done)["DKIM key s9._domainkey.news.weekly.dev"]["todo"]


def test_without_a_key_it_is_red_and_nobody_is_asked(run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    """Neither the provider nor, without DNS, anybody else."""
    (tmp_path / "postmark.key").write_text("")
    done = run("doctor", "--no-dns", "--json", code=1)

    assert found(done)["Provider postmark"]["light"] == "red"
    assert {one["about"] for one in found(done).values()} == {"Settings", "Headers of a message"}


def test_it_runs_before_there_is_a_database(run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    """That is what it is for."""
    (tmp_path / "data" / "newsletter.db").unlink()
    done = run(*words, "--no-account", "--json", code=1)

    assert "newsletter init" in found(done)["Database and secret key"]["found"]
    assert found(done)["Message-ID"]["light"] == "green"


@pytest.mark.parametrize(("knows", "light"), [(("com. NS a.gtld-servers.net.",), "red"), ((), "yellow")])
def test_a_domain_that_nobody_knows_is_red_where_the_world_is_known(
    run: Run, words: tuple[str, ...], tmp_path: Path, knows: tuple[str, ...], light: str
) -> None:
    """A resolver that knows no names at all, behind a wall, proves nothing. Nothing else of DNS is asked."""
    path = tmp_path / "config.toml"
    path.write_text(path.read_text().replace("verdicts@news.weekly.dev", "verdicts@weekly.new"))
    with name_server(Zone(list(knows))) as port:
        done = run("doctor", "--nameserver", f"127.0.0.1:{port}", "--no-account", "--json", code=int(light == "red"))

    assert [one["light"] for one in found(done).values() if one["about"] == "DNS"] == [light]
    assert found(done)["DNS of weekly.new"]["light"] == light


SMTP = """
[provider]
name = "smtp"
[provider.options]
host = "mail.weekly.dev"
dkim_selector = "own"
dkim_domain = "weekly.dev"
dkim_key_file = "{key}"
"""


def test_mail_of_our_own_server_is_checked_against_our_own_key(
    run: Run, words: tuple[str, ...], tmp_path: Path
) -> None:
    """Nothing of it is published here: the selector, the server's name and SPF of the bounces' domain."""
    key = generate_private_key(65_537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "dkim.pem").write_bytes(pem)
    (tmp_path / "config.toml").write_text(CONFIG.partition("[provider]")[0] + SMTP.format(key=tmp_path / "dkim.pem"))
    lines = found(run(*words[:3], "--address", "9.9.9.1", "--json", code=1))

    red = {name for name, one in lines.items() if one["light"] == "red"}
    assert red == {"DKIM key own._domainkey.weekly.dev", "SPF of news.weekly.dev", "Reverse DNS of 9.9.9.1"}
    assert "bounces" in lines["MX of news.weekly.dev"]["found"]


@pytest.mark.parametrize("wrong", [("--nameserver", "dns.example.org"), ("--address", "mail.example.org")])
def test_a_name_where_an_address_is_wanted_is_refused(run: Run, words: tuple[str, ...], wrong: tuple[str, str]) -> None:
    """In one sentence."""
    done = run(*words, *wrong, code=1 if wrong[0] == "--nameserver" else 2)

    assert "IP address" in done.stderr
