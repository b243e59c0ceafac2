"""Photographs with Content Credentials, signed by c2pa's own builder with keys that are made here."""

import datetime
import io
from dataclasses import dataclass

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_BEGIN = datetime.datetime(2026, 1, 1)
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a signer with its certificate."""

    root: bytes  # PEM
    chain: bytes  # PEM: the signer's certificate and the root
    key: bytes  # PEM: the signer's


def make_authority(organization: str) -> Authority:
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Test Root", "Test Root", (root_key, root_key), authority=True)
    leaf = _certificate(organization, "Test Root", (key, root_key), authority=False)
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Authority(root.public_bytes(_PEM), leaf.public_bytes(_PEM) + root.public_bytes(_PEM), private)


def _certificate(
    subject: str, issuer: str, keys: tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey], *, authority: bool
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(oid, text) for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)])

    own, issuers = keys[0].public_key(), keys[1].public_key()
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(name(issuer), name(subject), own, x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_BEGIN + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers), critical=False)
        .add_extension(usage, critical=True)
    )
    if not authority:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purposes, critical=True)
    return builder.sign(keys[1], hashes.SHA256())


def plain(kind: str = "JPEG", size: int = 96) -> bytes:
    """A photograph that carries nothing."""
    pixels = np.random.default_rng(3).integers(0, 255, (size, size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def signed(data: bytes, authority: Authority, kind: str = "JPEG", *, program: str = "Painter", url: str = "") -> bytes:
    """The photograph with a manifest that says that a model made it; with a URL only the address of one."""
    created = {"action": "c2pa.created", "digitalSourceType": AI}
    manifest = {
        "claim_generator_info": [{"name": program, "version": "7"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    offline = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    with c2pa.Context.from_dict(offline) as context, c2pa.Builder(manifest, context) as builder:
        if url:
            builder.set_remote_url(url)
            builder.set_no_embed()
        info = c2pa.C2paSignerInfo(b"es256", authority.chain, authority.key, None)
        target = io.BytesIO()
        with c2pa.Signer.from_info(info) as signer:
            builder.sign(signer, MIME[kind], io.BytesIO(data), target)
    return target.getvalue()
