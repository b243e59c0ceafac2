"""Signatures of registered models: the OpenSSF's model-signing, with a pair of elliptic-curve keys.

A signature covers all files of the model as MLflow keeps it: network, metadata, packed code and MLmodel. It lies among
them, as ``model.sig``. The keys are PEM files that environment variables name; without these nothing is signed, and
nothing verified. Nothing is asked of a network.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from fakefaces.base import environment
from fakefaces.base.environment import SIGNING_KEY, VERIFYING_KEY
from fakefaces.base.errors import SignatureError
from fakefaces.base.files import atomic_write
from fakefaces.base.leftovers import temporary_folder

if TYPE_CHECKING:
    from model_signing.hashing import Config as Hashing
    from model_signing.signing import Config as Signer

SIGNATURE = "model.sig"  # in the model's folder
_NOTE = "registered_model_meta"  # MLflow writes it into the folder of a model that it downloads
# Photographs, which a person may want to be taken out; a version is compared with them, and they decide nothing else.
_EXAMPLES = "kept_examples"


def require_signer() -> None:
    """Check, before anything is registered, that a key which is configured can sign.

    Raises:
        SignatureError: the package is not installed, or the key cannot be used.
    """
    if environment.signing_key():
        _signer()


def sign(folder: Path) -> bool:
    """Sign a model's folder, if a key is configured; returns whether it was.

    Raises:
        SignatureError: the package is not installed, or the key cannot be used.
    """
    if environment.signing_key() is None:
        return False
    signer = _signer().set_hashing_config(_hashing(folder))
    with atomic_write(folder / SIGNATURE) as partial:
        signer.sign(folder, partial)
    return True


def lacks_ours(folder: Path) -> bool:
    """Whether a private key is configured, and a model's folder is not signed by it.

    Raises:
        SignatureError: the package is not installed, or the key cannot be used.
    """
    if environment.signing_key() is None:
        return False
    with temporary_folder() as temporary:
        public = temporary / "public.pem"
        public.write_bytes(_public_key())
        return bool(_fault(folder, public))


def fault(folder: Path) -> str:
    """What is wrong with the signature of a model's folder, by the configured public key; empty where nothing is.

    Raises:
        SignatureError: the package is not installed.
    """
    key = environment.verifying_key()
    return _fault(folder, key) if key else ""


def verify(folder: Path, name: str) -> None:
    """Refuse a model whose signature does not verify, if a public key is configured.

    Args:
        folder: of the model, as MLflow keeps it.
        name: what the error calls it.

    Raises:
        SignatureError: it is not signed, by another key, or was changed since; or the package is not installed.
    """
    if problem := fault(folder):
        raise SignatureError(
            f"{name}: {problem}. {VERIFYING_KEY} asks for a signature by its key; sign the champion where the private "
            f"key is: {SIGNING_KEY}=FILE fakefaces doctor --fix, or take another version: fakefaces promote --rollback"
        )


def _fault(folder: Path, key: Path) -> str:
    if not (folder / SIGNATURE).is_file():
        return "it carries no signature"
    try:
        from model_signing.verifying import Config
    except ImportError:
        raise _not_installed(VERIFYING_KEY) from None
    if not key.is_file():
        return f"there is no public key at {key}"
    try:
        verifier = Config().use_elliptic_key_verifier(public_key=key).set_hashing_config(_hashing(folder))
        verifier.verify(folder, folder / SIGNATURE)
    except Exception as error:  # whatever the readers of keys and JSON, and the check itself, raise for hostile files
        return f"its signature does not verify ({_reason(error)})"
    return ""


def _public_key() -> bytes:
    """The public half of the private key, as PEM."""
    _signer()  # whose errors are sentences
    from cryptography.hazmat.primitives import serialization

    password = environment.signing_key_password()
    data = (environment.signing_key() or Path()).read_bytes()
    key = serialization.load_pem_private_key(data, password.encode() if password else None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _signer() -> "Signer":
    key = environment.signing_key()
    try:
        from model_signing.signing import Config
    except ImportError:
        raise _not_installed(SIGNING_KEY) from None
    try:
        return Config().use_elliptic_key_signer(private_key=key or "", password=environment.signing_key_password())
    except Exception as error:  # those of the file system, and of cryptography for what is no key
        raise SignatureError(
            f"{SIGNING_KEY}: {key}: no private key that can sign ({_reason(error)}); make one with: "
            "openssl ecparam -name prime256v1 -genkey -noout -out FILE"
        ) from None


def _hashing(folder: Path) -> "Hashing":
    """Which files count: all but signature, MLflow's note, kept examples, and Python's cache of the packed code."""
    from model_signing.hashing import Config

    caches = [path.relative_to(folder) for path in (folder / "code").rglob("__pycache__")]
    return Config().set_ignored_paths(paths=[SIGNATURE, _NOTE, _EXAMPLES, *caches], ignore_git_paths=False)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _not_installed(variable: str) -> SignatureError:
    return SignatureError(f"{variable} is set, and model-signing is not installed; install it: uv sync --extra signing")
