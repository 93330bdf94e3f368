"""How Sphinx builds the site: `python dev.py docs`."""

from importlib.metadata import version as version_of

project = "autograd-core"
author = "The autograd-core authors"
copyright = "2026, the autograd-core authors"
release = version = version_of("autograd-core")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "autograd-core"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"  # types where the docstring names the parameter
napoleon_google_docstring = False
napoleon_use_rtype = False  # "Tensor; shape of x without axis" is prose, not a type to link
