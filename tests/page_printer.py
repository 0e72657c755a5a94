"""Prints compare pages as the site might: both text flavours, and HTML in several structures. Words are our own."""

import html
import random
from dataclasses import dataclass, replace

INTRO = (
    "Which one should you ship with? Here is the side-by-side panel verdict, pricing read, reviewer split, "
    "and community vote comparison."
)
FOOTER = (
    "Weekly AI Tool Verdicts",
    "Get the next comparison in your inbox",
    "New AI tools ship daily. We compare them before you waste an afternoon.",
    "Bookmarks",
    "Loading bookmarks...",
    "No bookmarks yet",
    "Bookmark tools to save them for later",
)


@dataclass(frozen=True)
class Said:
    """One review as it is printed."""

    score: int
    verdict: str
    quote: str


@dataclass(frozen=True)
class Side:
    """One tool as it is printed."""

    name: str
    category: str
    tagline: str
    description: tuple[str, ...]
    entry: str
    pricing: str
    votes: tuple[int, int] | None = None


@dataclass(frozen=True)
class Sheet:
    """A page: two sides, and per reviewer what they said of each (None: no review)."""

    sides: tuple[Side, Side]
    reviews: tuple[tuple[str, Said | None, Said | None], ...]
    no_review: str = "No review"  #: the text of a cell without review; empty: nothing stands there

    def counts(self, side: int) -> tuple[int, int]:
        """Ships and skips."""
        said = [row[1 + side] for row in self.reviews]
        ships = sum(1 for review in said if review and review.verdict == "ship")
        return ships, sum(1 for review in said if review) - ships

    def percent(self, side: int) -> int:
        """Ships in a hundred, as the page rounds."""
        ship, skip = self.counts(side)
        return int(100 * ship / (ship + skip) + 0.5)

    def word(self, side: int) -> str:
        """The verdict."""
        percent = self.percent(side)
        return "Mixed" if percent == 50 else "Ship" if percent > 50 else "Skip"

    def panel(self, side: int) -> str:
        """The decision table's cell."""
        ship, skip = self.counts(side)
        return f"{self.word(side)} · {ship} ship / {skip} skip"

    def community(self, side: int) -> str:
        """The decision table's cell."""
        votes = self.sides[side].votes
        return f"{votes[0]}% · {votes[1]} votes" if votes else "No community votes yet"

    @property
    def title(self) -> str:
        """The two names."""
        return f"{self.sides[0].name} vs {self.sides[1].name}"

    def rows(self) -> list[tuple[str, str, str]]:
        """The decision table."""
        one, two = self.sides
        return [
            ("Panel verdict", self.panel(0), self.panel(1)),
            ("Community", self.community(0), self.community(1)),
            ("Pricing", one.pricing, two.pricing),
            ("Best for", one.tagline, two.tagline),
            ("Category", one.category, two.category),
        ]


def text_b(sheet: Sheet, *, footer: tuple[str, ...] = FOOTER) -> str:
    """The fuller text: blocks parted by a blank line."""
    blocks = [f"Compare/{sheet.title}", "AI tool comparison", sheet.title, INTRO]
    for number, side in enumerate(sheet.sides):
        blocks += [side.name[0].upper(), side.category, side.name, side.tagline, sheet.word(number)]
        blocks += [f"{sheet.percent(number)}%", "Panel ship"]
        blocks += [f"{side.votes[0]}%"] if side.votes else []
        blocks += ["Community", side.entry, "Entry", *side.description]
    table = ["Decision", sheet.sides[0].name, sheet.sides[1].name, *(cell for row in sheet.rows() for cell in row)]
    blocks += ["\n".join(table), "Reviewer scorecard"]
    for reviewer, *cells in sheet.reviews:
        head = f"{reviewer}\n"
        for said in cells:
            if said:
                blocks += [f"{head}{said.score}/100 · {said.verdict}", said.quote]
                head = ""
            elif sheet.no_review:
                blocks.append(f"{head}{sheet.no_review}")
                head = ""
    return "\n\n".join([*blocks, *footer])


def text_flat(sheet: Sheet) -> str:
    """The fuller text without any blank line."""
    return "\n".join(line for line in text_b(sheet).splitlines() if line)


def text_loose(sheet: Sheet) -> str:
    """The fuller text with a blank line after every line."""
    return "\n\n".join(line for line in text_b(sheet).splitlines() if line)


def text_a(sheet: Sheet) -> str:
    """The shorter text: no verdict words, no table, no reviewers."""
    lines = ["AI tool comparison", sheet.title, INTRO]
    for number, side in enumerate(sheet.sides):
        votes = f"{side.votes[0]}%" if side.votes else "—"
        lines += [side.category, side.name, side.tagline, f"{sheet.percent(number)}%", "Panel ship", votes]
        lines += ["Community", side.entry, "Entry", " ".join(side.description)]
    lines.append("Reviewer scorecard")
    lines += [f"“{said.quote}”" for _, *cells in sheet.reviews for said in cells if said]
    return "\n".join([*lines, *FOOTER])


def _e(text: str) -> str:
    return html.escape(text)


def _document(sheet: Sheet, body: str, url: str | None) -> str:
    canonical = f'<link rel="canonical" href="{url}">' if url else ""
    return (
        f"<!DOCTYPE html><html lang='en'><head><title>{_e(sheet.title)} | Site</title>{canonical}"
        '<script>var x = "100% Panel ship Community";</script><style>p{color:red}</style></head>'
        f"<body><nav><a href='/'>Home</a><a href='/compare'>Compare</a></nav><main>{body}</main>"
        "<footer><p>© 2026 Site</p><a href='/privacy'>Privacy</a></footer>"
        '<script type="application/json">{"Panel ship": 1}</script></body></html>'
    )


def _footer() -> str:
    return "<section><h2>Weekly AI Tool Verdicts</h2><p>Get the next comparison in your inbox</p></section>"


def html_divs(sheet: Sheet, url: str | None = None) -> str:
    """Boxes as React prints them: comments between texts, no blanks, spans in boxes."""
    cards = ""
    for number, side in enumerate(sheet.sides):
        votes = f'<div class="n">{side.votes[0]}<!-- -->%</div>' if side.votes else ""
        cards += (
            f'<a class="card" href="#{number}"><div class="logo">{_e(side.name[0].upper())}</div>'
            f'<div><span class="cat">{_e(side.category)}</span><h2>{_e(side.name)}</h2><p>{_e(side.tagline)}</p></div>'
            f'<span class="badge">{sheet.word(number)}</span>'
            f'<div class="stats"><div><div class="n">{sheet.percent(number)}<!-- -->%</div><div>Panel ship</div></div>'
            f"<div>{votes}<div>Community</div></div><div><div>{_e(side.entry)}</div><div>Entry</div></div></div>"
            + "".join(f"<p>{_e(paragraph)}</p>" for paragraph in side.description)
            + "</a>"
        )
    table = "".join(f"<div>{_e(a)}</div><div>{_e(b)}</div><div>{_e(c)}</div>" for a, b, c in sheet.rows())
    names = "".join(f"<div>{_e(side.name)}</div>" for side in sheet.sides)
    reviews = ""
    for reviewer, *cells in sheet.reviews:
        reviews += f'<div class="row"><div class="who">{_e(reviewer)}</div><div class="pair">'
        for said in cells:
            reviews += '<div class="cell">'
            if said:
                reviews += (
                    f'<div class="bar"></div><div class="score">{said.score}<!-- -->/100 · <!-- -->{said.verdict}</div>'
                )
                reviews += f"<p>{_e(said.quote)}</p>"
            elif sheet.no_review:
                reviews += f"<p>{_e(sheet.no_review)}</p>"
            reviews += "</div>"
        reviews += "</div></div>"
    body = (
        f'<div><a href="/compare">Compare</a><span>/</span><span>{_e(sheet.title)}</span></div>'
        f"<p>AI tool comparison</p><h1>{_e(sheet.sides[0].name)} <span>vs</span> {_e(sheet.sides[1].name)}</h1>"
        f'<p>{INTRO}</p><div class="grid">{cards}</div><div class="t"><div>Decision</div>{names}{table}</div>'
        f"<section><h2>Reviewer scorecard</h2>{reviews}</section>{_footer()}"
    )
    return _document(sheet, body, url)


def html_table(sheet: Sheet, url: str | None = None) -> str:
    """Tables for the decision and for the scorecard, definition lists for the figures, pretty-printed."""
    cards = ""
    for number, side in enumerate(sheet.sides):
        votes = f"{side.votes[0]}% <small>({side.votes[1]} votes)</small>" if side.votes else ""
        cards += f"""
      <article>
        <header><small>{_e(side.category)}</small>
          <h2><a href="/tool/slug-{number}">{_e(side.name)}</a></h2>
          <p>{_e(side.tagline)}</p></header>
        <strong>{sheet.word(number)}</strong>
        <dl>
          <dt>Panel ship</dt><dd>{sheet.percent(number)}%</dd>
          <dt>Community</dt><dd>{votes}</dd>
          <dt>Entry</dt><dd>{_e(side.entry)}</dd>
        </dl>
        {"".join(f"<p>{_e(paragraph)}</p>" for paragraph in side.description)}
      </article>"""
    table = "".join(f"<tr><th>{_e(a)}</th><td>{_e(b)}</td><td>{_e(c)}</td></tr>\n" for a, b, c in sheet.rows())
    names = "".join(f"<th>{_e(side.name)}</th>" for side in sheet.sides)
    reviews = ""
    for reviewer, *cells in sheet.reviews:
        reviews += f"<tr><th>{_e(reviewer)}</th>"
        for said in cells:
            cell = f"<b>{said.score}/100</b> · {said.verdict}<p>{_e(said.quote)}</p>" if said else _e(sheet.no_review)
            reviews += f"<td>{cell}</td>"
        reviews += "</tr>\n"
    body = f"""
    <p>AI tool comparison</p>
    <h1>{_e(sheet.title)}</h1>
    <p>{INTRO}</p>{cards}
    <h2>Decision</h2>
    <table><thead><tr><th></th>{names}</tr></thead><tbody>{table}</tbody></table>
    <h2>Reviewer scorecard</h2>
    <table><thead><tr><th>Reviewer</th>{names}</tr></thead><tbody>{reviews}</tbody></table>
    {_footer()}"""
    return _document(sheet, body, url)


def html_spans(sheet: Sheet, url: str | None = None) -> str:
    """Hardly any structure: spans and line breaks, a role below each reviewer, marks around the quotes."""
    parts = [f"<span>AI tool comparison</span><br><span>{_e(sheet.title)}</span><br>{INTRO}<br>"]
    for number, side in enumerate(sheet.sides):
        votes = f"{side.votes[0]}%" if side.votes else "—"
        parts.append(
            f"<div><span>{_e(side.category)}</span><span>{_e(side.name)}</span><span>{_e(side.tagline)}</span>"
            f"<em>{sheet.word(number)}</em><span>{sheet.percent(number)}%</span><span>Panel ship</span>"
            f"<span>{votes}</span><span>Community</span><span>{_e(side.entry)}</span><span>Entry</span>"
            f"<span>{'<br>'.join(map(_e, side.description))}</span></div>"
        )
    cells_ = ["Decision", *(side.name for side in sheet.sides), *(cell for row in sheet.rows() for cell in row)]
    parts.append("<div>" + "".join(f"<span>{_e(cell)}</span>" for cell in cells_) + "</div>")
    parts.append("<div>Reviewer scorecard</div>")
    for reviewer, *cells in sheet.reviews:
        parts.append(f"<div><b>{_e(reviewer)}</b><i>Some Perspective</i></div>")
        for said in cells:
            if said:
                parts.append(f"<div>{said.score}/100 · {said.verdict}</div><div>&ldquo;{_e(said.quote)}&rdquo;</div>")
            elif sheet.no_review:
                parts.append(f"<div>{_e(sheet.no_review)}</div>")
    parts.append(_footer())
    return _document(sheet, "".join(parts), url)


NAMES = (
    "Mo",
    "git-why",
    "v0 Agent",
    "Claude 4 API: Tool Use & Caching",
    "Models",
    "Foo vs Bar",
    "Q",
    "Żuraw 2",
    "X – Y",
)
CATEGORIES = ("Developer Tools", "Models", "AI Models", "Gaming")
REVIEWERS = ("Builder", "Skeptic", "Futurist", "Founder", "Designer", "Security Lead", "The Economist")
NO_REVIEWS = (
    "No review",
    "—",
    "-",
    "n/a",
    "Not reviewed",
    "Did not review",
    "No review yet",
    "Did not review this tool.",
)
SENTENCES = (
    "It starts in a second and never asks for an account.",
    'The bill grows with `--all` and "quotes", so read it twice.',
    "I gave it <b>three</b> afternoons & a cold coffee.",
    "What has to hold: prices fall by 50% → then it wins.",
    "Nobody I know would miss it, which is the problem.",
    "The moment of truth is the second week, not the first one.",
)


def dice(seed: int) -> random.Random:
    """The same throws for the same seed."""
    return random.Random(seed)  # noqa: S311


def quote(dice: random.Random) -> str:
    """A few sentences."""
    return " ".join(dice.sample(SENTENCES, dice.randint(2, 4)))


def sheet(dice: random.Random, *, reviewers: int = 4, missing: float = 0.0, no_review: str = "No review") -> Sheet:
    """A random page. Every side has at least one review."""
    names = dice.sample(NAMES, 2)
    sides = tuple(
        Side(
            name=name,
            category=dice.choice(CATEGORIES),
            tagline=dice.choice(("Ships what it says", "One file that behaves", "Fast, small, odd")),
            description=tuple(quote(dice) for _ in range(dice.randint(1, 2))),
            entry=dice.choice(("Free", "Paid")),
            pricing=dice.choice(("Free / Open Source", "$5/seat/mo; (first 3 free)", "Freemium")),
            votes=dice.choice((None, (dice.randint(0, 100), dice.randint(1, 2000)))),
        )
        for name in names
    )
    rows = []
    for index, reviewer in enumerate(REVIEWERS[:reviewers]):
        cells: list[Said | None] = [
            Said(dice.randint(20, 99), dice.choice(("ship", "skip")), quote(dice)) for _ in range(2)
        ]
        if index and dice.random() < missing:
            cells[dice.randint(0, 1)] = None
        rows.append((reviewer, cells[0], cells[1]))
    return replace(Sheet((sides[0], sides[1]), tuple(rows)), no_review=no_review)
