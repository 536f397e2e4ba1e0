"""Pictures that live in the browser: typed wrappers round hand-written canvas code."""
