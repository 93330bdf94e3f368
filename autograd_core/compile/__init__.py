"""The compiler: a recorded function as one plan, emitted as Python source."""
