"""What the parts of a model are, what each of them gives, and what is left without it."""
