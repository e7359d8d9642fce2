from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from opsagent import remedies
from opsagent.settings.schema import schema
from tests.settings.conftest import KINDS, NOTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return schema(KINDS, remedies.KINDS, NOTIFIERS)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            yield node
        for item in node.values():
            yield from objects(item)
    elif isinstance(node, list):
        for item in node:
            yield from objects(item)


def test_it_is_json(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found)) == found


def test_every_kind_is_one_of_the_checks_told_apart_by_its_kind(found: dict[str, Any]) -> None:
    items = found["properties"]["checks"]["items"]

    assert items["discriminator"]["propertyName"] == "kind"
    assert set(items["discriminator"]["mapping"]) == set(KINDS)
    assert set(found["properties"]["notifiers"]["items"]["discriminator"]["mapping"]) == set(NOTIFIERS)


def test_keys_are_written_as_in_yaml(found: dict[str, Any]) -> None:
    window = found["$defs"]["Window"]

    assert {"from", "for"} <= set(window["properties"])
    assert set(window["required"]) == {"checks", "from", "for"}


def test_defaults_are_written_as_in_yaml(found: dict[str, Any]) -> None:
    assert found["properties"]["fast_loop"]["default"] == "1m"
    assert found["$defs"]["UnitBudget"]["properties"]["waits"]["default"] == ["10s", "1m", "5m"]
    assert found["$defs"]["Check_cpu"]["properties"]["for"]["default"] == "15m"


def test_unknown_keys_are_refused_everywhere(found: dict[str, Any]) -> None:
    assert [each["title"] for each in objects(found) if each.get("additionalProperties") is not False] == []


def test_every_key_says_what_it_means(found: dict[str, Any]) -> None:
    silent = [
        f"{each['title']}.{key}"
        for each in objects(found)
        for key, item in each["properties"].items()
        if not item.get("description")
    ]

    assert silent == []


def test_only_known_remedies_are_offered(found: dict[str, Any]) -> None:
    assert found["$defs"]["RemedyRule"]["properties"]["do"]["enum"] == sorted(remedies.KINDS)
