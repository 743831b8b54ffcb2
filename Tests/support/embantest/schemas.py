"""JSON against the schemas of an OpenAPI description: as much of JSON Schema as the description uses, and an error for anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = Any
#: What says nothing about validity.
WORDS = {"description", "default", "examples", "example", "title"}
KNOWN = {
    "$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "oneOf", "anyOf", "allOf", "minimum", "maximum",
    "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "pattern", "format",
}


class Schemas:
    """The schemas of one description."""

    def __init__(self, document: Json, *, closed: bool) -> None:
        """`closed`: a member that a schema does not name is wrong, even where `additionalProperties` says nothing."""
        self.document = document
        self.closed = closed

    def resolve(self, schema: Json) -> Json:
        if "$ref" not in schema:
            return schema
        found = self.document
        assert schema["$ref"].startswith("#/"), schema
        for name in schema["$ref"][2:].split("/"):
            found = found[name]
        return {**self.resolve(found), **{key: value for key, value in schema.items() if key != "$ref"}}

    def flat(self, given: Json) -> Json:
        """A schema with the members of its `allOf`."""
        schema = self.resolve(given)
        if "allOf" not in schema:
            return schema
        parts = [self.flat(part) for part in schema["allOf"]]
        return {
            "type": "object", "required": [name for part in parts for name in part.get("required", [])],
            "properties": {name: value for part in parts for name, value in part.get("properties", {}).items()},
        }

    def problems(self, value: Json, given: Json, path: str = "$") -> Iterator[str]:
        schema = self.flat(given)
        unknown = set(schema) - KNOWN - WORDS
        assert not unknown, f"{path}: the description uses {unknown}, which is not understood here"
        for key in ("oneOf", "anyOf"):
            if key in schema:
                reasons = [list(self.problems(value, choice, path)) for choice in schema[key]]
                if all(reasons):
                    yield f"{path}: none of {key} fits: {[found[0] for found in reasons]}"
                return
        if "const" in schema and value != schema["const"]:
            yield f"{path}: {value!r} is not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path}: {value!r} is none of {schema['enum']}"
        types = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type")
        if types and not any(is_of(value, name) for name in types):
            yield f"{path}: {value!r} is no {' or '.join(types)}"
            return
        yield from self.bounds(value, schema, path)
        if isinstance(value, dict):
            yield from self.members(value, schema, path)
        if isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self.problems(item, schema["items"], f"{path}[{index}]")

    def members(self, value: Json, schema: Json, path: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{path}.{name} is missing"
        rest = schema.get("additionalProperties", not self.closed or not properties)
        for name, member in value.items():
            if name in properties:
                yield from self.problems(member, properties[name], f"{path}.{name}")
            elif rest is False:
                yield f"{path}.{name} is not described"
            elif isinstance(rest, dict):
                yield from self.problems(member, rest, f"{path}.{name}")

    @staticmethod
    def bounds(value: Json, schema: Json, path: str) -> Iterator[str]:
        size = None if isinstance(value, bool) else value if isinstance(value, int | float) else None
        if size is not None and not schema.get("minimum", size) <= size <= schema.get("maximum", size):
            yield f"{path}: {value} is out of bounds"
        if isinstance(value, str):
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                yield f"{path}: the length {len(value)} is out of bounds"
            if "pattern" in schema and not re.search(schema["pattern"], value):
                yield f"{path}: {value!r} does not match {schema['pattern']}"
            if schema.get("format") == "date-time" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value):
                yield f"{path}: {value!r} is no time"
        if isinstance(value, list) and not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{path}: {len(value)} entries are out of bounds"


def is_of(value: Json, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer":
        return isinstance(value, int) or isinstance(value, float) and value.is_integer()
    kinds: dict[str, type | tuple[type, ...]] = {
        "object": dict, "array": list, "string": str, "number": (int, float), "null": type(None)}
    return name in kinds and isinstance(value, kinds[name])
