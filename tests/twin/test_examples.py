import doctest
import tomllib
from importlib import import_module, resources

import pytest

from tests.twin.places import lotus_hill
from voltide.domain.site import OcppVersion
from voltide.twin.conditions import world_from


@pytest.mark.parametrize("name", ["blocks.firmware", "cabinet", "conditions", "vehicle"])
def test_the_examples_in_the_documentation_are_true(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"voltide.twin.{name}"))
    assert tried > 0
    assert failed == 0


def test_the_world_of_lotus_hill_speaks_three_dialects() -> None:
    text = resources.files("voltide.twin").joinpath("scenarios", "lotus_hill.toml").read_text(encoding="utf-8")
    world = world_from(tomllib.loads(text)["world"])
    versions = [world.version(charger.id) for charger in lotus_hill().chargers]
    assert {version: versions.count(version) for version in OcppVersion} == {
        OcppVersion.V16: 1,
        OcppVersion.V201: 8,
        OcppVersion.V21: 18,
    }
    assert world.vehicles_per_day > 600
