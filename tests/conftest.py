"""Settings for every test."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.crossings import (  # noqa: F401 - hooks of pytest: a test that claims an OCPP message must have crossed it
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_call,
)

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):  # a landing must not depend on luck; every other run tries new cases
    settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """A command that was called in this process leaves its logs' settings to nobody."""
    yield
    structlog.reset_defaults()
