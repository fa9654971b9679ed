"""The description of the API, at /schema/openapi.json."""

from __future__ import annotations

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from .guard import COOKIE

SAYS = (
    "From sensor to courtroom, one accountable log. Every read and every act names a purpose and a legal basis, "
    "is decided by the policies, and leaves an event."
)


def description(version: str) -> OpenAPIConfig:
    """For the app. Only the description itself: pages that show it fetch scripts from elsewhere."""
    return OpenAPIConfig(
        title="tutela",
        version=version,
        description=SAYS,
        render_plugins=[JsonRenderPlugin()],
        components=Components(
            security_schemes={
                "session": SecurityScheme(type="apiKey", name=COOKIE, security_scheme_in="cookie"),
                "bearer": SecurityScheme(type="http", scheme="bearer"),
            }
        ),
    )
