"""A model's forward as Headlight runs it: which attention function, which modules are which layers, and whether it is
what transformers computes.
"""
