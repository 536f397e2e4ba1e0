"""What is computed: models, traces and caches. Knows no screen and imports nothing of viz or pages."""
