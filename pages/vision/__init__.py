"""The parts of the vision page."""
