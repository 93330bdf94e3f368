"""Random programs: made of the operations there are, run in every way, and shrunk to the smallest that is wrong."""

from .agreement import ProgramError, check_program
from .generate import random_program
from .program import RandomProgram
from .smallest import smallest_wrong

__all__ = ["ProgramError", "RandomProgram", "check_program", "random_program", "smallest_wrong"]
