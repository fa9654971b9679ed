"""The description of the API, at /schema/openapi.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litestar import Request, Router
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler

from .guard import COOKIE
from .problem import KIND

SAYS = (
    "From sensor to courtroom, one accountable log. Every read and every act names a purpose and a legal basis, "
    "is decided by the policies, and leaves an event."
)
WRONG = {
    "description": "What went wrong, as problem details (RFC 9457): what, where, and what to do.",
    "content": {KIND: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

Json = dict[str, Any]


def description(version: str) -> OpenAPIConfig:
    """For the app. Only the description itself: pages that show it fetch scripts from elsewhere."""
    made = OpenAPIConfig(
        title="tutela",
        version=version,
        description=SAYS,
        render_plugins=[_AsItIs()],
        openapi_router=_Alone("/schema", route_handlers=[], include_in_schema=False),
        components=Components(
            security_schemes={
                "session": SecurityScheme(type="apiKey", name=COOKIE, security_scheme_in="cookie"),
                "bearer": SecurityScheme(type="http", scheme="bearer"),
            }
        ),
    )
    made.default_plugin = None  # else the description would have a second address
    return made


class _Alone(Router):
    """One address, and nothing beside it: what is elsewhere under it is not found, as everywhere."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        beside = isinstance(value, HTTPRouteHandler) and "/{path:str}" in value.paths
        return [] if beside else super().register(value)


class _AsItIs(JsonRenderPlugin):
    """The framework's description, put right where it says less than what holds.

    Whatever goes wrong is told as problem details; a union is any of its types (85.0 is a number and an integer);
    nouns take no fields that they do not know.
    """

    def receive_router(self, router: Router) -> None:
        """Of descriptions that there are not, the framework makes a page; as of all else that there is not, we say so."""
        router.routes = [route for route in router.routes if "{" not in route.path]

    def render(self, request: Request[Any, Any, State], openapi_schema: Json) -> bytes:
        for path in openapi_schema["paths"].values():
            for operation in path.values():
                operation["responses"] = _told(operation["responses"])
        for schema in _schemas(openapi_schema):
            if "oneOf" in schema:
                schema["anyOf"] = schema.pop("oneOf")
            if schema.get("type") == "object" and "properties" in schema:
                schema["additionalProperties"] = False
        return super().render(request, openapi_schema)


def _told(responses: Json) -> Json:
    kept = {
        status: response
        for status, response in responses.items()
        if status.startswith(("2", "3")) or KIND in response.get("content", {})
    }
    return {**kept, "default": WRONG}


def _schemas(described: object) -> Iterator[Json]:
    """Every object of the description, outermost first."""
    if isinstance(described, dict):
        yield described
        for inner in list(described.values()):
            yield from _schemas(inner)
    elif isinstance(described, list):
        for inner in described:
            yield from _schemas(inner)
