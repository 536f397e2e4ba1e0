"""`python -m models.cluster`: put Headlight's workers onto the cluster that this machine is part of, and come back when
the first of them is ready. Once more, it puts the code and the settings of now in their place.
"""

import logging
import os
import sys
from typing import Any

import ray
from ray import serve

from models.cluster.setting import APP, AUTO, DEPLOYMENT, NAMESPACE, cluster_address
from models.settings import SettingError, check_settings

# More wait outside; a worker tells those inside which place they have.
_MOST_AT_ONCE = 256
_MOST_WAITING = 4_096
_MODELS = 4
_STORE_SHARE = 4


def main() -> None:
    """Raises SystemExit with a sentence."""
    try:
        check_settings(os.environ)
    except SettingError as error:
        raise SystemExit(f"The workers do not start: {error}") from None
    try:
        ray.init(
            address=cluster_address() or AUTO, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SystemExit(f"There is no cluster to put workers onto: {error}") from None
    deploy()
    print("The workers are ready.")


def deploy() -> None:
    """Onto the cluster that this process is connected to."""
    serve.start(http_options={"location": "NoServer"})
    serve.run(application(os.environ), name=APP, route_prefix=None)


def application(environment: Any) -> serve.Application:
    """The deployment with what the operator set."""
    # It imports what computes.
    from models.cluster.worker import Worker

    least, _, most = (environment.get("HEADLIGHT_WORKERS", "").strip() or "1").partition("-")
    models = int(environment.get("HEADLIGHT_MOST_MODELS", "").strip() or _MODELS)

    class Multiplexed(Worker):
        model_is_here = serve.multiplexed(max_num_models_per_replica=models)(Worker.model_is_here)

    stores = [int(node["Resources"].get("object_store_memory", 0)) for node in ray.nodes() if node["Alive"]]
    return serve.deployment(
        name=DEPLOYMENT,
        max_ongoing_requests=_MOST_AT_ONCE,
        max_queued_requests=_MOST_WAITING,
        health_check_period_s=5,
        health_check_timeout_s=30,
        graceful_shutdown_timeout_s=10,
        autoscaling_config={
            "min_replicas": int(least),
            "initial_replicas": int(least),
            "max_replicas": int(most or least),
            "target_ongoing_requests": 4,
            "upscale_delay_s": 10,
            "downscale_delay_s": 600,
        },
        ray_actor_options={
            "num_cpus": float(environment.get("HEADLIGHT_WORKER_CPUS", "").strip() or 1),
            "num_gpus": float(environment.get("HEADLIGHT_WORKER_GPUS", "").strip() or 0),
        },
    )(Multiplexed).bind(min(filter(None, stores), default=2**30) // _STORE_SHARE)


if __name__ == "__main__":
    sys.exit(main())
