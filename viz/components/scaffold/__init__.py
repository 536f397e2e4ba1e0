"""What every browser component is built on: mounting, the view's base, keys, drawing, and the message to it."""

from viz.components.scaffold.mounting import callback, component, large_component, number, numbers, text
from viz.components.scaffold.packing import pack, twelve_bits

__all__ = ["callback", "component", "large_component", "number", "numbers", "pack", "text", "twelve_bits"]
