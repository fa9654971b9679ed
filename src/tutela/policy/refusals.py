"""What is refused outright, for everybody: no setting, rule, source or part enables it (governance (b)).

A refused use is recognised by what is declared, and by nothing else: the purpose that somebody names, the observed properties and
kinds of a source or a rule, the needs of a part's card, the fields of its options. Each of these is compared, whole, with the words of the
table; what people write, and what Things, sources and rules are called, is never looked through. So nobody is refused for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tutela.errors import Refused
from tutela.model.noun import Noun
from tutela.model.register import Datastream, Thing

DECLARES = frozenset({"observed_property", "kind", "thing_kind", "only", "fact", "needs"})
"""Options, of parts and of standards, whose values declare what is looked at."""

TABLES = frozenset({"ranges"})
"""Options that are tables by observed property."""

OFF = (False, 0, "off", "no", "none", "false", "never", "disabled")


class Never(Noun, frozen=True, kw_only=True):
    """A use that is refused outright: what it is, the message that is shown, and the words by which it is recognised.

    `purposes` are names of purposes, ours or DPV's; `names` are observed properties, kinds, needs and fields. `switches` are
    settings that can't be turned off.
    """

    id: str
    what: str
    says: str
    purposes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()


NEVER = {
    one.id: one
    for one in (
        Never(
            id="R01-person-scores",
            what="Scoring people's trustworthiness or behaviour.",
            says="tutela does not score people. You can report an incident or open a case.",
            purposes=("social-scoring", "person-scoring", "scoring-of-individuals"),
            names=(
                "person-score",
                "person-scores",
                "social-score",
                "citizen-score",
                "trust-score",
                "behaviour-score",
                "behavior-score",
            ),
        ),
        Never(
            id="R02-person-forecasts",
            what="Predicting that a person will offend; lists of suspicious people from phones, travel or purchases.",
            says="Forecasts here are about places and times, never about a person or household.",
            purposes=("offender-prediction", "person-based-prediction"),
            names=(
                "offender-risk",
                "reoffending-risk",
                "recidivism-risk",
                "person-risk",
                "household-risk",
                "suspicious-person",
                "criminal-history",
            ),
        ),
        Never(
            id="R03-face-gallery",
            what="Building a gallery of faces from the web or from cameras.",
            says="Faces can't be collected in bulk. A watch-list entry needs a lawful image and a reason.",
            purposes=("face-collection",),
            names=("face-gallery", "face-template", "face-embedding", "faceprint", "face-image"),
        ),
        Never(
            id="R04-emotion",
            what="Inferring emotions, intent or lies.",
            says="Reading feelings or intent from faces, gait or voice is not offered: it isn't reliable and is largely "
            "prohibited.",
            purposes=("emotion-recognition", "lie-detection"),
            names=("emotion", "emotions", "mood", "hostile-intent", "intent", "deception", "lie", "voice-stress"),
        ),
        Never(
            id="R05-protected-traits",
            what="Sorting people by race, politics, religion or sex life; searching by skin colour or ethnic clothing.",
            says="Search by protected trait is not available. Try clothing colour, vehicle, direction or time.",
            purposes=("biometric-categorisation", "ethnic-profiling", "racial-profiling"),
            names=(
                "race",
                "ethnicity",
                "ethnic-origin",
                "skin-colour",
                "skin-color",
                "skin-tone",
                "ethnic-clothing",
                "religious-clothing",
                "political-opinion",
                "political-opinions",
                "sexual-orientation",
                "sex-life",
            ),
        ),
        Never(
            id="R06-untargeted-faces",
            what="Matching faces without a target, always, or without an authorisation.",
            says="Live face search needs an authorisation naming target, place and time. None is valid now.",
            purposes=("untargeted-face-search",),
            names=("face-match", "face-search", "face-recognition", "facial-recognition", "face-identity"),
        ),
        Never(
            id="R07-following-people",
            what="Following one person across cameras without a case.",
            says="Following a person across cameras needs an open case and a time limit.",
            purposes=("person-tracking",),
            names=("person-track", "person-identity", "person-reidentification", "person-re-identification", "gait"),
        ),
        Never(
            id="R08-purpose-limitation",
            what="Looking people up without a purpose; health, union, faith and school roll as an input; school exclusions "
            "as an input of forecasts.",
            says="This source may not be used for this purpose (purpose limitation).",
            names=(
                "health-record",
                "medical-record",
                "health-status",
                "diagnosis",
                "union-membership",
                "trade-union-membership",
                "faith",
                "religion",
                "religious-belief",
                "school-roll",
                "school-exclusion",
                "school-exclusions",
            ),
        ),
        Never(
            id="R09-audit",
            what="Turning the audit off, deleting of it, exporting in silence, editing evidence.",
            says="The record of actions can't be turned off.",
            names=("audit-off", "disable-audit", "delete-audit", "silent-export", "edit-evidence"),
            switches=("audit", "audit-log", "log-actions", "log-reads", "record-of-actions"),
        ),
        Never(
            id="R10-street-speech",
            what="Covert listening, and recognising the speech of passers-by.",
            says="Street audio is used only to recognise sounds such as glass or gunfire.",
            purposes=("covert-listening", "eavesdropping"),
            names=(
                "speech",
                "speech-to-text",
                "spoken-words",
                "conversation",
                "transcript",
                "voiceprint",
                "street-audio-with-speech",
            ),
        ),
        Never(
            id="R11-automatic-force",
            what="Ordering force, arrests or fines without a person.",
            says="A person must decide this. The system can only suggest.",
            purposes=("automatic-fines", "automatic-arrests", "automatic-enforcement"),
            names=("automatic-force", "automatic-arrest", "automatic-fine", "auto-arrest", "auto-fine"),
        ),
        Never(
            id="R12-advertising",
            what="Sharing with a private party for advertising.",
            says="Not a public-safety purpose.",
            purposes=(
                "advertising",
                "marketing",
                "direct-marketing",
                "personalised-advertising",
                "targeted-advertising",
                "sell-data-to-third-parties",
            ),
            names=("advertising-audience", "advertising-segment"),
        ),
    )
}
"""By id, in the order of governance (b)."""

_PURPOSES = {word: one for one in NEVER.values() for word in one.purposes}
_NAMES = {word: one for one in NEVER.values() for word in one.names}
_SWITCHES = {word: one for one in NEVER.values() for word in one.switches}
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain(word: str) -> str:
    """A name as the table writes it: `skinColour`, `Skin colour` and `skin_colour` are `skin-colour`."""
    return re.sub(r"[\s_-]+", "-", _HUMP.sub("-", word.strip())).lower()


def purpose(name: str, of: str) -> None:
    """Raise Refused when that purpose, ours or a term of DPV, is one of a refused use."""
    word = plain(re.split("[#:/]", name)[-1])
    if word in _PURPOSES:
        raise _refused(_PURPOSES[word], of, name)


def names(declared_: Iterable[str], of: str) -> None:
    """Raise Refused when one of these properties, kinds, needs or fields is one of a refused use."""
    for word in declared_:
        if plain(word) in _NAMES:
            raise _refused(_NAMES[plain(word)], of, word)


def switched_off(told: object, of: str) -> None:
    """Raise Refused when these settings, however deep, turn something off that can't be."""
    for key, value in _pairs(told):
        if plain(key) in _SWITCHES and (value.lower() if isinstance(value, str) else value) in OFF:
            raise _refused(_SWITCHES[plain(key)], of, key)


def defined(things: Iterable[Thing], datastreams: Iterable[Datastream]) -> None:
    """Raise Refused for a Thing of a refused kind, or for such a datastream.

    A Thing's own properties tell of a place or device, such as the religion of a church, and are left alone.
    """
    for thing in things:
        names((thing.kind,), thing.name)
    for stream in datastreams:
        names((stream.kind, stream.observed_property), stream.name)


def declared(options: object) -> Iterator[str]:
    """What options say that is looked at: the values of `DECLARES` and the keys of `TABLES`, however deep they stand."""
    for key, value in _pairs(options):
        if key in DECLARES:
            yield from (
                one for one in (value if isinstance(value, (list, tuple)) else (value,)) if isinstance(one, str)
            )
        elif key in TABLES and isinstance(value, Mapping):
            yield from map(str, value)


def _pairs(told: object) -> Iterator[tuple[str, object]]:
    """Each key with its value, of all tables in it."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            yield str(key), value
            yield from _pairs(value)
    elif isinstance(told, (list, tuple)):
        for value in told:
            yield from _pairs(value)


def _refused(one: Never, of: str, word: str) -> Refused:
    return Refused(f"{one.says} {of} asks for it by {word!r}: leave that out.", policy=one.id)
