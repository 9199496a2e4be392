"""What the twin's tests are marked with."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ocpp(version, *actions): drives these messages of a version end to end")
