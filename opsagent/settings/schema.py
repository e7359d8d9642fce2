"""A JSON Schema of the settings, so that editors complete and check them while they are written."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from opsagent.core.backup.job import BackupOptions
from opsagent.core.quantity import spell
from opsagent.settings.named import keys_of_kind
from opsagent.settings.options import BACKUP_KINDS, NAME, CheckOptions, Document, NotifierOptions
from opsagent.settings.reading import keys_of, twin

if TYPE_CHECKING:
    from collections.abc import Collection

    from opsagent.settings.named import Kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Writes defaults as YAML writes them."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return spell(dft)
        if isinstance(dft, tuple):
            return [self.encode_default(item) for item in dft]
        return super().encode_default(dft)


def schema(kinds: Kinds, remedies: Collection[str], notifier_kinds: Kinds) -> dict[str, Any]:
    """Return the JSON Schema: the document's keys, and the keys of each kind of check and notifier."""
    items = {
        "checks": _one_of("Check", CheckOptions, kinds),
        "backups": _one_of("Backup", BackupOptions, BACKUP_KINDS),
        "notifiers": _one_of("Notifier", NotifierOptions, notifier_kinds),
    }
    keys = tuple(dataclasses.replace(key, annotation=items.get(key.key, key.annotation)) for key in keys_of(Document))
    document: TypeAdapter[Any] = TypeAdapter(twin("Settings", keys, "The settings of opsagent."))
    found = document.json_schema(schema_generator=_Generator)
    found["$defs"]["RemedyRule"]["properties"]["do"]["enum"] = sorted(remedies)
    return {"$schema": DIALECT, **found}


def _one_of(what: str, common: type, kinds: Kinds) -> Any:
    """Make the type of a list whose items are told apart by their kind."""
    twins = tuple(_kind(f"{what}_{name}", name, common, cls) for name, cls in sorted(kinds.items()))
    one: Any = Union[twins]  # noqa: UP007 - the members are known only now
    return list[Annotated[one, Field(discriminator="kind")]] if len(twins) > 1 else list[one]


def _kind(title: str, kind: str, common: type, cls: type) -> type:
    patterns = {"name": Annotated[str, Field(pattern=f"^{NAME}$")], "kind": Literal[kind]}
    keys = tuple(
        dataclasses.replace(key, annotation=patterns.get(key.field, key.annotation))
        for key in keys_of_kind(common, cls)
    )
    return twin(title, keys, (cls.__doc__ or "").partition("\n")[0])
