"""Plain values → typed ones: pydantic over frozen dataclasses, with our own durations, sizes and strictness.

A dataclass of another room stays free of pydantic: a twin is made of it whose fields say how YAML writes them.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Strict, TypeAdapter, WithJsonSchema

from opsagent.core.policy import RemedyRule
from opsagent.core.quantity import DURATION_PATTERN, SIZE_PATTERN, Bytes, duration, size
from opsagent.settings.meaning import meanings
from opsagent.settings.problem import shown
from opsagent.settings.rules import RULES

# a room may import these for its type checker only; then they are missing when the program runs
_NAMES = {"timedelta": timedelta, "Mapping": Mapping, "Path": Path, "Bytes": Bytes, "Literal": Literal, "Any": Any}
_STRICT = (bool, int, float, str)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key as YAML writes it: the field behind it, its type, what it means and whether it must be given."""

    key: str
    field: str
    annotation: Any
    default: Any
    rule: Any = None
    meaning: str = ""

    @property
    def required(self) -> bool:
        """Tell whether it must be written."""
        return self.default is dataclasses.MISSING


def keys_of(cls: type) -> tuple[Key, ...]:
    """Return the keys of a dataclass; a field whose name is no key (`for`, `from`) carries it in its metadata."""
    hints = get_type_hints(cls, localns=dict(_NAMES))
    said = meanings(cls)
    return tuple(
        Key(
            key=field.metadata.get("key", field.name),
            field=field.name,
            annotation=hints[field.name],
            default=_default(field),
            rule=RULES.get((cls, field.name)),
            meaning=said.get(field.metadata.get("key", field.name), ""),
        )
        for field in dataclasses.fields(cls)
        if field.init
    )


def inner_keys(annotation: Any) -> tuple[Key, ...]:
    """Return the keys of the first dataclass inside a type hint (`X | None`, `tuple[X, ...]`), or none."""
    if dataclasses.is_dataclass(annotation):
        return keys_of(cast("type", annotation))
    return next((keys for part in get_args(annotation) if (keys := inner_keys(part))), ())


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


@cache
def adapter(cls: type) -> TypeAdapter[Any]:
    """Return the reader of a dataclass; reading returns the dataclass itself."""
    return TypeAdapter(readable(cls))


def twin(name: str, keys: tuple[Key, ...], doc: str = "") -> type:
    """Make the dataclass pydantic reads: nothing but these keys."""
    fields = [(key.field, _annotated(key), _as_field(key)) for key in keys]
    namespace = {"__pydantic_config__": ConfigDict(extra="forbid", allow_inf_nan=False), "__doc__": doc}
    return dataclasses.make_dataclass(name, fields, frozen=True, slots=True, kw_only=True, namespace=namespace)


def _as_field(key: Key) -> Any:
    if key.required:
        return dataclasses.field()
    return dataclasses.field(default_factory=lambda: key.default) if _is_made(key) else key.default


def _is_made(key: Key) -> bool:
    return dataclasses.is_dataclass(key.default) or getattr(type(key.default), "__hash__", None) is None


def _annotated(key: Key) -> Any:
    annotation = readable(key.annotation)
    if key.rule is not None:
        annotation = Annotated[annotation, AfterValidator(_unless_none(key.rule))]
    alias = key.key if key.key != key.field else None
    return Annotated[annotation, Field(alias=alias, description=key.meaning or None)]


def _unless_none(rule: Any) -> Any:
    return lambda value: value if value is None else rule(value)


def readable(annotation: Any) -> Any:
    """Rewrite a type hint into what YAML writes for it."""
    if annotation in _STRICT:
        return Annotated[annotation, Strict()]
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    if annotation is RemedyRule:
        return _remedy_rule()
    if dataclasses.is_dataclass(annotation):
        return Annotated[_twin_of(cast("type", annotation)), _build(cast("type", annotation))]
    return _readable_container(annotation)


def _remedy_rule() -> Any:
    """A remedy is written by its name alone or as a mapping."""
    named = Annotated[str, Strict()]
    short = BeforeValidator(_remedy, json_schema_input_type=named | _twin_of(RemedyRule))
    return Annotated[_twin_of(RemedyRule), short, _build(RemedyRule)]


def _readable_container(annotation: Any) -> Any:
    origin: Any = get_origin(annotation)
    parts = get_args(annotation)
    if origin is Annotated:
        return Annotated[(readable(parts[0]), *parts[1:])]
    if origin in {Union, types.UnionType}:
        return Union[tuple(readable(part) for part in parts)]  # noqa: UP007 - the parts are known only now
    if origin is tuple and _is_pairs(parts):
        return Annotated[types.GenericAlias(dict, (str, readable(get_args(parts[0])[1]))), AfterValidator(_pairs)]
    if origin is tuple:
        return types.GenericAlias(tuple, tuple(part if part is Ellipsis else readable(part) for part in parts))
    if origin in {dict, Mapping}:
        return types.GenericAlias(dict, tuple(readable(part) for part in parts))
    return annotation


def _is_pairs(parts: tuple[Any, ...]) -> bool:
    """`tuple[tuple[str, X], ...]` is how a frozen dataclass keeps a mapping."""
    inner = get_args(parts[0]) if parts and get_origin(parts[0]) is tuple else ()
    return len(parts) == 2 and parts[1] is Ellipsis and len(inner) == 2 and inner[0] is str  # noqa: PLR2004 - a pair


def _pairs(value: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(value.items())


def _text(pattern: str, examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": examples.split(", ")})


@cache
def _twin_of(cls: type) -> Any:
    return twin(cls.__name__, keys_of(cls), (cls.__doc__ or "").partition("\n")[0])


def _build(cls: type) -> AfterValidator:
    """Make the true dataclass of its twin; a ValueError of its own becomes a problem of the settings."""
    return AfterValidator(lambda made: cls(**given(made)))


def given(made: Any) -> dict[str, Any]:
    """Return the fields of a twin by name."""
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}


def _duration(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return duration(str(value))
    return duration(value) if isinstance(value, str) else _wrong(value, "a duration, allowed: 500ms, 30s, 5m, 2h, 1d")


def _size(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"cannot read {shown(value)} as a size, write {value}B or use KiB, MiB, GiB")  # noqa: TRY004
    return size(value) if isinstance(value, str) else _wrong(value, "a size, allowed: 64KiB, 5GiB")


def _path_text(value: object) -> object:
    return value if isinstance(value, (str, Path)) else _wrong(value, "a path, allowed: text such as /var/lib")


def _wrong(value: object, allowed: str) -> object:
    raise ValueError(f"cannot read {shown(value)} as {allowed}")


def _remedy(value: object) -> object:
    return {"do": value} if isinstance(value, str) else value


_LEAVES: dict[Any, Any] = {
    timedelta: Annotated[timedelta, BeforeValidator(_duration), _text(DURATION_PATTERN, "30s, 5m, 1h30m")],
    Bytes: Annotated[int, BeforeValidator(_size), _text(SIZE_PATTERN, "64KiB, 5GiB")],
    Path: Annotated[Path, BeforeValidator(_path_text)],
}
