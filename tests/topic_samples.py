"""A desk with topics: the sample week has a model, a developer tool, and six comparisons of other kinds."""

from dataclasses import replace

from desk_samples import Place, furnished
from people import SECRET
from sqlalchemy import Engine

from newsletter.topics import Topic
from subscribers.address import parse
from subscribers.choice import Choice
from subscribers.consent import Evidence
from subscribers.preferences import choose
from subscribers.subscriber import add, find

MODELS = Topic(slug="models", name="Models", categories=("Models", "AI Models"))
TOOLS = Topic(slug="tools", name="Developer tools", categories=("Developer Tools",))
REST = Topic(
    slug="rest", name="The rest", categories=("AI Clients", "AI Hardware", "Writing", "Data", "Research")
)  # fmt: skip
TOPICS = (MODELS, TOOLS, REST)
#: With two topics an issue has two parts: cheaper to approve than six.
TWO = (MODELS, Topic(slug="others", name="All others", categories=(*TOOLS.categories, *REST.categories)))


def with_topics(engine: Engine, *topics: Topic) -> Place:
    """The sample week, the five characters, and these topics; by default three."""
    here = furnished(engine)
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"topics": topics or TOPICS}))
    return here


def wants(here: Place, name: str, topics: str = "", often: str = "weekly") -> None:
    """Somebody active on the list wants this from now on."""
    with here.desk.transaction() as session:
        address, now = parse(f"{name}@example.org"), here.clock()
        person = find(session, address.display) or add(
            session, address, Evidence("/subscribe"), secret=SECRET, now=now, confirmed=True
        )
        choose(session, person, Choice.of(topics, often), "/preferences", now)
