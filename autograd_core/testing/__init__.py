"""Checks of gradients against numbers: for users' functions, and for every row of the table of operations."""
