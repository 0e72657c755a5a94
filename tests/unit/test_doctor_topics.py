"""`newsletter doctor` on topics: pure, from the settings and the categories on the shelf."""

from newsletter.desk.checkup.topics import judged
from newsletter.providers.checkup import Light
from newsletter.topics import Topic

MODELS = Topic(slug="models", name="Models", categories=("Models", "AI Models"))
TOOLS = Topic(slug="tools", name="Tools", categories=("Developer Tool",))
SHELF = [("Models", "Health"), ("Health", "Health"), ("developer tools", "Data")]


def test_a_topic_that_nothing_is_in_is_named_with_what_there_is() -> None:
    """The categories that are in no topic, the most frequent first: one of them is probably meant."""
    [line] = judged((MODELS, TOOLS), SHELF)

    assert line.light is Light.YELLOW
    assert "Nothing of the 3 comparisons on the shelf is in tools ('Developer Tool')" in line.found
    assert "in no topic: 'Health', " in line.todo
    assert "'developer tools'" in line.todo


def test_topics_that_have_something_are_counted() -> None:
    """Letter case is of no account, and one tool of the two is enough."""
    [line] = judged((MODELS, TOOLS.model_copy(update={"categories": ("Developer Tools",)})), SHELF)

    assert (line.light, line.found) == (Light.GREEN, "Each has comparisons on the shelf: models 1 and tools 1.")


def test_of_a_bare_shelf_nothing_is_said() -> None:
    """A new newsletter has imported nothing yet."""
    assert judged((MODELS,), []) == []
