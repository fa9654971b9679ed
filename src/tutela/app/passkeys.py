"""How people come in to an instance, on its engines: passkeys, codes of an app, the city's own provider."""

from __future__ import annotations

from tutela.app.core import Core, clock
from tutela.app.provider import HttpProvider
from tutela.backends.ceremonies import WebAuthn
from tutela.backends.postgres.passkeys import PostgresPasskeys
from tutela.flow.oidc import Oidc
from tutela.flow.passkeys import Passkeys
from tutela.flow.people import Staff
from tutela.flow.totp import Totp, Ways


def ways(inside: Core, staff: Staff) -> Ways:
    """Who comes in how. Apart from `staff`, since whoever only invites need not load what ceremonies take."""
    store, set_ = PostgresPasskeys(inside.facts.db), inside.settings.oidc
    return Ways(
        Passkeys(staff=staff, store=store, ceremonies=WebAuthn()),
        Totp(staff=staff, issuer=inside.install.city),
        Oidc(staff=staff, store=store, provider=HttpProvider(set_, clock) if set_ else None),
    )
