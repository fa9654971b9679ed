"""The passkeys of an instance, on its engines."""

from __future__ import annotations

from tutela.app.core import Core
from tutela.backends.ceremonies import WebAuthn
from tutela.backends.postgres.passkeys import PostgresPasskeys
from tutela.flow.passkeys import Passkeys
from tutela.flow.people import Staff


def passkeys_of(inside: Core, staff: Staff) -> Passkeys:
    """Who has which passkey. Apart from `staff`, since whoever only invites need not load what ceremonies take."""
    return Passkeys(staff=staff, store=PostgresPasskeys(inside.facts.db), ceremonies=WebAuthn())
