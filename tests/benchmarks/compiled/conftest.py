"""Keeps the collection of doctests away from the modules that import other frameworks at their top."""

collect_ignore_glob = ["with_*.py"]
