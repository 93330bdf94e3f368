"""What a compiled step costs, beside the same work by hand and by other frameworks; see README.md in this folder."""
