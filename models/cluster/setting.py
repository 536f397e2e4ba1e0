"""Whether this process asks a cluster, and which one. Light to import: every process looks."""

import os

VARIABLE = "HEADLIGHT_CLUSTER"
AUTO = "auto"
# The names under which everything of ours stands in a cluster that others may use as well.
NAMESPACE, APP, DEPLOYMENT = "headlight", "headlight", "Worker"


def cluster_address() -> str | None:
    """`auto` for the cluster that this machine is part of, or host:port of its head; None where there is none."""
    return os.environ.get(VARIABLE, "").strip() or None
