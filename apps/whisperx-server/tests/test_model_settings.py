"""Settings that name own models."""

from __future__ import annotations

import pytest

from whisperx_server.settings import SettingsError, read_settings


def test_reads_own_models_and_where_they_lie() -> None:
    settings = read_settings({"OWN_MODELS": "ward = /models/ward-ct2, legal=acme/legal-ct2", "ALIGN_MODELS": "th=/a"})
    assert settings.own_models == {"ward": "/models/ward-ct2", "legal": "acme/legal-ct2"}
    assert settings.align_models == {"th": "/a"}
    assert read_settings({}).own_models == {}


@pytest.mark.parametrize("value", ["ward", "ward=", "=/models/ward", "ward=/a, legal"])
def test_refuses_names_without_models(value: str) -> None:
    with pytest.raises(SettingsError, match="OWN_MODELS") as caught:
        read_settings({"OWN_MODELS": value})
    assert "/models" not in str(caught.value)
