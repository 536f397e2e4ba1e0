"""The base of the browser components: how they are registered and mounted, their messages, their shared scripts."""

from viz.components.scaffold.mounting import component, large_component, number, numbers, skeleton, text
from viz.components.scaffold.packing import fields_of, pack, pack_picture, twelve_bits
