"""Programs to run and read: one file, one idea each. ``python -m demos.NAME --help`` says what each does."""
