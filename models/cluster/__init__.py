"""The same engine on other machines: Ray Serve's replicas hold it, and a web process asks them.

Nothing of it is imported where HEADLIGHT_CLUSTER is not set.
"""
