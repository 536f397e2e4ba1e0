"""The parts of the sampling page."""
