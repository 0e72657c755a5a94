"""Which words of a review are shown: a few whole sentences that say what its verdict says.

A review often begins with the market and comes to its point later: "The buyer is … a real budget" is no reason for a
skip. So a later sentence is taken where it stands by itself and speaks for the reviewer's side, and the first does not.
The words that give a side away are few and English; where none is found, the first sentence is shown, as it always was.
"""

import re
from collections.abc import Collection

from newsletter.comparisons.comparison import Comparison, Review, Tool, Verdict
from newsletter.issues.composition import Quote
from newsletter.issues.edits import Edits, is_quoted
from newsletter.issues.shortening import cut, leading, plain, sentences

LEAD_QUOTE = 200  #: characters, at most
BRIEF_QUOTE = 170

_FOR = re.compile(
    r"\b(ships?|real|wins?|won|earns?|genuine\w*|clean|solve[sd]?|right|correct|works?|finally|sound|smart|strong"
    r"|useful|worth|saves?|survives?|differentiat\w+|viable|you own)\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(skip|problem|breaks?|broken|kills?|fails?|missing|lacks?|thin|unclear|wrapper|risk\w*|worse|slower|expensive"
    r"|nobody|nothing|without|not|never|no|cannot|isn['’]t|doesn['’]t|don['’]t|can['’]t|won['’]t|until|instead of)\b",
    re.IGNORECASE,
)
#: A sentence that begins so tells of the market, not of the tool.
_SCENE = re.compile(r"(category|(the |its )?(direct )?(competitors?|rivals?|buyer|market|audience))\b", re.IGNORECASE)
_SHORTEST = 20  #: characters: "Ship." alone is a verdict, not a reason
#: A sentence that begins so leans on the one before it, or talks of what would have to be.
_LEANS = re.compile(
    r"(this|that|these|those|it|its|it['’]s|that['’]s|they|their|he|she|still|but|and|so|or|yet|together|until|which|also"
    r"|instead|however|then|there|what|if|here|same|such|both|as|because|while)\b",
    re.IGNORECASE,
)

_CONTENT = re.compile(r"[^\W_][\w'’.-]{2,}")
_EMPTY = frozenset(
    """
    the and for from with without into over under are was were been has have had that which who whose when where while
    than because its their your our his her this these those not can could will would may might must should does did
    more most very just also about between before after you they them there then what how all any some get got
    """.split()  # noqa: SIM905
)
_SAYING = 4  #: words of content that make a sentence clear by itself


def pull_quote(text: str, verdict: Verdict, budget: int, used: Collection[str] = ()) -> str:
    """At most `budget` characters of a review that gave this verdict.

    Whole sentences where any fits, else the first one cut at a clause or a word with "…". Sentences in `used` are
    passed over while others fit.
    """
    parts = sentences(text)
    fits = [at for at, part in enumerate(parts) if _SHORTEST <= len(part) <= budget and not _said(part, used)]
    able = [at for at in fits if at == 0 or not _LEANS.match(parts[at])]
    if not able:
        fresh = [part for part in parts if not _said(part, used)]
        return cut((fresh or parts or [""])[0], budget)
    best = max(able, key=lambda at: (_worth(parts[at], verdict), -at))
    if 0 not in able and _worth(parts[best], verdict) < 0 and not _said(parts[0], used):
        return cut(parts[0], budget)
    return leading(parts[best:], budget)


def _worth(sentence: str, verdict: Verdict) -> int:
    """How clearly it speaks for the verdict's side, less where it says too little: "I need an answer.", of what?"""
    return _side(sentence, verdict) - (1 if len(set(_CONTENT.findall(sentence.casefold())) - _EMPTY) < _SAYING else 0)


def _side(sentence: str, verdict: Verdict) -> int:
    """How clearly the sentence speaks for the verdict's side: from -3 to 2."""
    scene = 1 if _SCENE.match(sentence) else 0
    pro, con = min(len(_FOR.findall(sentence)), 2), min(len(_AGAINST.findall(sentence)), 2)
    return (con - pro if verdict is Verdict.SKIP else pro - con) - scene


def _said(part: str, used: Collection[str]) -> bool:
    return any(part in other for other in used)


def _score(review: Review, unknown: int) -> int:
    return unknown if review.score is None else review.score


def scorecard(comparison: Comparison, edits: Edits) -> tuple[Quote, ...]:
    """Every quote of the comparison, in the order of its scorecard: what a lead shows."""
    return tuple(quote_of(comparison, *pair, LEAD_QUOTE, edits) for pair in comparison.quotes())


def for_and_against(comparison: Comparison, edits: Edits) -> tuple[Quote, ...]:
    """The strongest quote for, then the strongest against; only one of them where nobody said the other."""
    pairs = list(comparison.quotes())
    ships = [pair for pair in pairs if pair[1].verdict is Verdict.SHIP]
    skips = [pair for pair in pairs if pair[1].verdict is Verdict.SKIP]
    strongest = [max(ships, key=lambda pair: _score(pair[1], -1))] if ships else []
    strongest += [min(skips, key=lambda pair: _score(pair[1], 101))] if skips else []
    return tuple(quote_of(comparison, tool, review, BRIEF_QUOTE, edits) for tool, review in strongest)


def quote_of(
    comparison: Comparison, tool: Tool, review: Review, budget: int, edits: Edits, used: Collection[str] = ()
) -> Quote:
    """What this reviewer said of this tool: the editor's choice of their words, or the rules'."""
    whole = plain(review.quote or "")
    chosen = [
        quote.text
        for quote in edits.quotes
        if (quote.key, quote.slug, quote.reviewer) == (comparison.key, tool.slug, review.reviewer)
        and is_quoted(comparison, tool.slug, review.reviewer, quote.text)  # the page may have changed since
    ]
    text = chosen[0] if chosen else pull_quote(whole, review.verdict, budget, used)
    return Quote(reviewer=review.reviewer, tool=tool.name, verdict=review.verdict, score=review.score, text=text)
