"""The parts of the anatomy page."""
