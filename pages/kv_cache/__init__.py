"""The parts of the KV cache page."""
