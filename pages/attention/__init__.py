"""The parts of the attention page."""
