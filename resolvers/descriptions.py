"""Describing domain enums for client developers without making the domain know of GraphQL."""

import enum
from collections.abc import Mapping
from typing import Any

import strawberry


def describe_enum(kind: type[enum.Enum], description: str, values: Mapping[Any, str], *, name: str) -> None:
    """Register an enum with the schema under a name; every member must be described."""
    registered: Any = strawberry.enum(kind, name=name, description=description)
    for value in registered.__strawberry_definition__.values:
        value.description = values[kind[value.name]]
