"""The doctor's check of signatures: which registered versions do not verify by the configured public key."""

from collections.abc import Iterator, Mapping
from functools import partial

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.maintenance.check_result import CheckResult
from fakefaces.provenance import signatures
from fakefaces.tracking.detectors import CHAMPION, fetch_detector
from fakefaces.tracking.registration import sign_registered
from fakefaces.tracking.store import Store, all_pages


def check_signatures(store: Store, name: str, aliases: Mapping[str, str]) -> Iterator[CheckResult]:
    """Verify each version of a registered model, if a public key is configured.

    Args:
        store: that holds it.
        name: of the registered model.
        aliases: the numbers of versions by their aliases.

    Yields:
        An error for the champion, a note for another version, that does not verify; signing them is the repair where
        the private key is configured.
    """
    if environment.verifying_key() is None:
        return
    verified, faults = 0, 0
    search = store.client.search_model_versions
    for version in all_pages(lambda token: search(f"name = '{name}'", 100, page_token=token)):
        number, source = str(version.version), version.source or ""
        uri = f"models:/{name}/{number}"
        try:
            fault = signatures.fault(fetch_detector(uri, verified=False).parents[1])
        except FakefacesError as error:
            fault = str(error)
        if not fault:
            verified += 1
            continue
        faults += 1
        can_sign = environment.signing_key() is not None and source.startswith("models:/m-")
        yield CheckResult(
            "signatures",
            f"version {number}: {fault}",
            "error" if number == str(aliases.get(CHAMPION)) else "note",
            partial(sign_registered, store, source.removeprefix("models:/"), uri) if can_sign else None,
            "sign it",
            f"sign it where the private key is: {environment.SIGNING_KEY}=FILE fakefaces doctor --fix",
        )
    if verified and not faults:
        yield CheckResult("signatures", f"{verified} versions verify by {environment.VERIFYING_KEY}")
