"""The parts of the tokenizers page."""
