"""What is computed: models, traces, caches, vectors, texts. Imports nothing of viz or pages."""

# The engine is given its loaders before anybody can ask it for a model.
import models.running
