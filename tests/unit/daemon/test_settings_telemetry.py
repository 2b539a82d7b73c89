"""What the settings say about telemetry."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from controller.daemon.settings_model import TelemetrySection


def test_sessions_are_not_named_unless_that_is_asked_for() -> None:
    assert TelemetrySection().session_info is False


@pytest.mark.parametrize(("given", "taken"), [(True, True), (False, False), ("true", True), ("False", False)])
def test_yes_and_no_come_from_files_and_from_variables(given: object, taken: bool) -> None:
    assert TelemetrySection.model_validate({"sessionInfo": given}).session_info is taken


@pytest.mark.parametrize("given", [1, "1", "yes", "", None])
def test_anything_else_is_refused_with_what_to_write(given: object) -> None:
    with pytest.raises(ValidationError, match="is not allowed; write true or false"):
        TelemetrySection.model_validate({"sessionInfo": given})
