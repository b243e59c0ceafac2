"""The addresses of MLflow's pages."""

from fakefaces.base import environment
from fakefaces.base.secrets import masked

PORT = 5000  # of `make ui`


def is_served(uri: str) -> bool:
    """Whether a store is a tracking server, which has the pages itself."""
    return uri.startswith(("http:", "https:"))


def runs_page(experiment_id: str | None, server: str | None = None) -> str:
    """The address of the runs of an experiment, or of all experiments where there is none yet.

    Args:
        experiment_id: MLflow's.
        server: the address of the server; None for the store's own, or that of ``make ui``.

    Without ``workflowType`` MLflow opens an experiment as one of GenAI, which shows no run; a browser remembers it.
    """
    uri = environment.tracking_uri()
    server = server or (uri if is_served(uri) else f"http://127.0.0.1:{PORT}")
    page = f"experiments/{experiment_id}/runs?workflowType=machine_learning" if experiment_id else "experiments"
    return masked(f"{server.rstrip('/')}/#/{page}")
