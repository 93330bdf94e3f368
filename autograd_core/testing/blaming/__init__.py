"""``blame``: which operation of a program has a wrong rule, the smallest graph that shows it, and a script to run.

``local`` looks at one operation by itself, ``smaller`` shrinks its inputs, ``misuse`` says what else may be wrong;
``calls``, ``sources`` and ``lookup`` write what has failed as Python, ``scripts`` makes a file of it.
"""

from .blame import blame
from .blamed import Blame
from .scripts import Script, write_script

__all__ = ["Blame", "Script", "blame", "write_script"]
