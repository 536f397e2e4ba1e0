"""Inside of a model: every part, what it costs, and what it does for one text."""
