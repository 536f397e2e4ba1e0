"""What the parts of a model do with a text, and what is left without them."""
