"""The command before it has begun."""

import subprocess
import sys

INTERRUPTED = """
import sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "newsletter.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Impatient())
from newsletter.__main__ import main
main()
"""


def test_ctrl_c_while_it_is_loaded_ends_in_a_sentence() -> None:
    """Loading takes a second or two, and nobody likes a traceback."""
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves

    assert (done.returncode, done.stderr) == (130, "newsletter: interrupted before it began. Nothing was done.\n")
