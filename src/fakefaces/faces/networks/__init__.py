"""MediaPipe's face detectors and mesh, converted to ONNX by :mod:`fakefaces.faces.networks.convert`; see NOTICE."""

import hashlib
from functools import cache
from pathlib import Path

from fakefaces.base.errors import ModelError
from fakefaces.graphs.graph import Graph

SHA256 = {
    "near.onnx": "24a70a7289cb099dd93a94971e32babc02eddd4fcc5230487156cef35a5d6a50",
    "far.onnx": "e83f015c85fd3eea95a12ce0be57cb5cf774c1d77501b5744821fd6da0d353db",
    "mesh.onnx": "af8fe8cf0248fc8bb36ccda8a643ec142c560ef6e89d638f8ffaf86b8f6e42f9",
}


@cache
def network(name: str) -> Graph:
    """Load one of the networks, by its file name, once a process; several threads may call it at once.

    Raises:
        ModelError: its file is not there, or is not the one that this code was written for.
    """
    path = Path(__file__).with_name(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}); install fakefaces again") from None
    if hashlib.sha256(data).hexdigest() != SHA256[name]:
        raise ModelError(f"{path}: not the file that belongs to this version; install fakefaces again")
    return Graph(data, name)
