"""The parts of the lessons page."""
