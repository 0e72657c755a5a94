"""Tokens for links (security reference, S-45 to S-47)."""

import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import NOW

from subscribers.errors import BadToken
from subscribers.subscriber import new_ref
from subscribers.tokens import Keys, Purpose, sign, sign_each, verify

KEYS = Keys(b"first key, at least thirty-two bytes")
OTHERS = Keys(b"other key, at least thirty-two bytes")
REF = "mfrggzdfmztwq2lknnwg23tp"
REFS = st.from_regex(r"[a-z0-9]{1,30}(-[a-z0-9]{1,10})?", fullmatch=True)


@given(REFS, st.sampled_from(Purpose))
def test_a_token_gives_back_what_was_signed(ref: str, purpose: Purpose) -> None:
    """Round trip, and only characters that are safe in any place of a mail."""
    token = sign(KEYS, purpose, ref)

    assert verify(KEYS, purpose, token, now=NOW) == ref
    assert set(token) <= set(string.ascii_lowercase + string.digits + "-")


@pytest.mark.parametrize("made_for", Purpose)
@pytest.mark.parametrize("used_for", Purpose)
def test_a_token_is_good_for_its_purpose_only(made_for: Purpose, used_for: Purpose) -> None:
    """Only the diagonal of the matrix works."""
    token = sign(KEYS, made_for, REF)

    if made_for is used_for:
        assert verify(KEYS, used_for, token, now=NOW) == REF
    else:
        with pytest.raises(BadToken):
            verify(KEYS, used_for, token, now=NOW)


@pytest.mark.parametrize("place", range(len(sign(KEYS, Purpose.UNSUBSCRIBE, REF))))
@pytest.mark.parametrize("other", ["0", "a", "z", "-", "A", "é"])
def test_any_changed_character_makes_a_token_worthless(place: int, other: str) -> None:
    """Key id, ref, expiry and mac are all covered."""
    token = sign(KEYS, Purpose.UNSUBSCRIBE, REF)
    forged = token[:place] + other + token[place + 1 :]
    if forged == token:
        return

    with pytest.raises(BadToken):
        verify(KEYS, Purpose.UNSUBSCRIBE, forged, now=NOW)


@given(st.text(max_size=220))
def test_nothing_else_is_a_token(text: str) -> None:
    """Whatever stands in the path, also beyond ASCII: a BadToken and never another error (S-46)."""
    with pytest.raises(BadToken):
        verify(KEYS, Purpose.VIEW, text, now=NOW)


def test_a_token_of_another_installation_is_refused() -> None:
    """Its key is not ours."""
    with pytest.raises(BadToken, match="not made here"):
        verify(KEYS, Purpose.VIEW, sign(OTHERS, Purpose.VIEW, REF), now=NOW)


def test_links_of_old_issues_work_after_a_change_of_keys() -> None:
    """The older key verifies, the first one signs; without the older key its links are dead."""
    old, new = b"old key, which is at least 32 bytes", b"new key, which is at least 32 bytes"
    link = sign(Keys(old), Purpose.UNSUBSCRIBE, REF)

    assert verify(Keys(new, old), Purpose.UNSUBSCRIBE, link, now=NOW) == REF
    assert sign(Keys(new, old), Purpose.UNSUBSCRIBE, REF) == sign(Keys(new), Purpose.UNSUBSCRIBE, REF)
    with pytest.raises(BadToken):
        verify(Keys(new), Purpose.UNSUBSCRIBE, link, now=NOW)


@pytest.mark.parametrize(
    ("purpose", "mac"),
    [
        (Purpose.UNSUBSCRIBE, "668e896e00f05cde1169be62141d55e4e16a35bf"),
        (Purpose.PREFERENCES, "d01a91323752518e7965a416346513387dcd37b3"),
        (Purpose.CONFIRM, "b2103c7b9774700c6cca459dfc7ea91e3de84511"),
        (Purpose.NEVER, "ab2240ae95e455e4a2cb0837f230fbb59cfbb831"),
    ],
)
def test_links_in_mails_that_went_out_in_2026_work_for_ever(purpose: Purpose, mac: str) -> None:
    """As they were made before there was voting: a new purpose in a group must not change the others."""
    assert sign(KEYS, purpose, REF) == f"edfc1e-{REF}-0-{mac}"


def test_a_confirmation_link_works_for_seven_days_and_no_longer() -> None:
    """An expiry is part of what is signed."""
    token = sign(KEYS, Purpose.CONFIRM, REF, expires=NOW + timedelta(days=7))

    assert verify(KEYS, Purpose.CONFIRM, token, now=NOW + timedelta(days=7)) == REF
    with pytest.raises(BadToken, match="expired"):
        verify(KEYS, Purpose.CONFIRM, token, now=NOW + timedelta(days=7, seconds=1))


def test_an_address_cannot_be_signed() -> None:
    """No address in a URL (S-45)."""
    with pytest.raises(ValueError, match="never an address"):
        sign(KEYS, Purpose.VIEW, "ada@example.org")


def test_a_short_key_is_refused_and_no_key_is_shown() -> None:
    """A key that can be guessed signs nothing; a traceback that prints the keys tells nothing."""
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(b"short")

    assert "first key" not in repr(KEYS)


def test_refs_are_random_and_short_enough_for_a_path() -> None:
    """120 bits, in letters and digits that nobody has to escape."""
    refs = {new_ref() for _ in range(1000)}

    assert len(refs) == 1000
    assert all(len(ref) == 24 and set(ref) <= set(string.ascii_lowercase + "234567") for ref in refs)


@given(st.lists(REFS, max_size=5))
def test_links_made_for_many_are_the_links_of_each(refs: list[str]) -> None:
    """A column of links says what `sign` says, person by person."""
    beginnings = {"https://news.example.org/u/": Purpose.UNSUBSCRIBE, "https://news.example.org/v/": Purpose.VOTE}

    columns = sign_each(KEYS, beginnings, refs)

    assert columns == [[link + sign(KEYS, why, ref) for ref in refs] for link, why in beginnings.items()]


@pytest.mark.parametrize("ref", ["Ada@example.org", "UPPER", "-a", "a-", "", "é", "a\n"])
def test_one_wrong_ref_among_many_makes_no_links_at_all(ref: str) -> None:
    """An address in a link would be read by everybody on the way."""
    with pytest.raises(ValueError, match="never an address"):
        sign_each(KEYS, {"https://news.example.org/u/": Purpose.UNSUBSCRIBE}, [REF, ref, REF])
