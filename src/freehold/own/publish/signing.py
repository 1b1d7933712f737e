"""Who published a model, and that nothing was changed since: OpenSSF model signing with an elliptic key of our own.

It does not protect against who can read the key (mode 0600, in STATE/own), and it tells who signed only to those who
have the public key from elsewhere than from beside the model. https://github.com/sigstore/model-transparency
"""

import hashlib
import re
from json import JSONDecodeError
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from model_signing import hashing, signing, verifying

from freehold.ledger.durable import alone, replace
from freehold.own import stage
from freehold.own.publish.manifest import SIGNATURE
from freehold.own.publish.registry import LOCK
from freehold.vocabulary.errors import BadRequest, Unverified

KEY, PUBLIC = "signing.key", "signing.pub"  # in STATE/own
_NO_KEY = (
    "Put back yours, unencrypted; or remove it: a new one is made, which those who get copies must be given."
)
_DIGESTS = re.compile(r": Expected '.*?\)', Actual '.*?\)'")
# What is written into the folder after it was signed.
_LATER = (SIGNATURE, stage.RECORD, stage.BEGUN)


def key_of(state: Path) -> Path:
    """The key that models are signed with, made where there is none; its public half lies beside it.

    Raises BadRequest where what lies there is no such key.
    """
    folder = state / "own"
    path = folder / KEY
    with alone(folder / LOCK):  # of two who begin at once, one would sign with a key that the other replaces
        if not path.exists():
            fresh = ec.generate_private_key(ec.SECP256R1())
            replace(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        try:
            private = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadRequest(f"{path} is no key to sign with", remedy=_NO_KEY) from None
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        replace(folder / PUBLIC, public)
    return path


def fingerprint(public: Path) -> str:
    """SHA-256 of a public key's file, in hex, by which it is told from others."""
    return hashlib.sha256(public.read_bytes()).hexdigest()


def sign(folder: Path, key: Path) -> None:
    """Sign all that lies in RUN/publish."""
    config = signing.Config().use_elliptic_key_signer(private_key=key)  # type: ignore[no-untyped-call]
    config.set_hashing_config(_hashing()).sign(folder, folder / SIGNATURE)


def verify(folder: Path, public: Path) -> None:
    """See that RUN/publish is what was signed, and no file more or less. Raises Unverified."""
    signature = folder / SIGNATURE
    if not signature.exists():
        raise Unverified(f"{folder} is not signed", remedy="Run `freehold own publish RUN`.")
    if not public.exists():
        raise Unverified(
            f"there is no public key at {public}", remedy="Name the publisher's with `--key FILE`."
        )
    try:
        load_pem_public_key(public.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        raise Unverified(
            f"{public} is no public key", remedy="Name the publisher's, as in its `own/signing.pub`."
        ) from None
    config = verifying.Config().use_elliptic_key_verifier(public_key=public)  # type: ignore[no-untyped-call]
    try:
        config.set_hashing_config(_hashing()).verify(folder, signature)
    except InvalidSignature:
        raise _unverified(folder, "its signature is not this key's") from None
    except (LookupError, TypeError, RecursionError, JSONDecodeError):
        raise _unverified(folder, "its signature cannot be read") from None
    except ValueError as error:
        raise _unverified(folder, _DIGESTS.sub("", str(error))) from None


def _unverified(folder: Path, why: str) -> Unverified:
    return Unverified(f"{folder}: {why}", remedy="Remove this folder, and publish or fetch it again.")


def _hashing() -> hashing.Config:
    return hashing.Config().set_ignored_paths(  # type: ignore[no-untyped-call]
        paths=_LATER, ignore_git_paths=False
    )
