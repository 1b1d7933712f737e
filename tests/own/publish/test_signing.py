"""What is no key does not sign, and what is no signature does not verify."""

from pathlib import Path

import pytest

from freehold.vocabulary.errors import BadRequest, Unverified


def test_a_key_that_is_none_is_told_and_not_replaced(tmp_path: Path) -> None:
    from freehold.own.publish.signing import key_of

    key = key_of(tmp_path)
    for content in (b"", b"-----BEGIN CERTIFICATE-----"):
        key.write_bytes(content)
        with pytest.raises(BadRequest, match="no key to sign with"):
            key_of(tmp_path)
        assert key.read_bytes() == content


@pytest.mark.parametrize("said", [b"[" * 200_000, b'{"verificationMaterial": 1}', b"\xff"])
def test_a_signature_that_cannot_be_read_does_not_verify(tmp_path: Path, said: bytes) -> None:
    from freehold.own.publish.signing import PUBLIC, key_of, verify

    (tmp_path / "publish").mkdir()
    (tmp_path / "publish" / "model.sig").write_bytes(said)

    with pytest.raises(Unverified):
        verify(tmp_path / "publish", key_of(tmp_path).with_name(PUBLIC))
