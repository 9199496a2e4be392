"""Settings for every test."""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):  # a landing must not depend on luck; every other run tries new cases
    settings.load_profile("ci")
