"""Write docs/reference from what the code says of itself: cards, systems, policies, the command line.

`--check` writes nothing and fails when a page is not what it would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec
import typer
from msgspec import inspect

from tutela import errors, parts
from tutela.app import detecting
from tutela.app.connections import own_options, speaks
from tutela.app.core import policies
from tutela.app.importing import shipped
from tutela.app.settings import FIRST_METRICS, FIRST_MQTT_PORT, FIRST_PORT
from tutela.cli import cli
from tutela.flow.hearing import CHANGING, NOT_DEFINED, TOO_MANY, USUAL
from tutela.model.card import Card, Sample
from tutela.model.kinds import KINDS
from tutela.model.register import Datastream, Source, Thing
from tutela.model.scales import Scale
from tutela.policy.decide import Rule
from tutela.policy.gate import SAYS
from tutela.policy.purposes import CLASSES, LEGAL_BASES, PURPOSES
from tutela.policy.refusals import DECLARES, NEVER, TABLES
from tutela.standards import _hearing, json_map, topics
from tutela.standards.mapping import CallShape, Stream, When
from tutela.standards.mapping import Mapping as Mapped

ROOT = Path(__file__).parents[1]
WHERE = ROOT / "docs" / "reference"
HEAD = "<!-- written by scripts/reference.py from the code: change it there -->\n\n"
WIDTH = 100
ENVIRONMENT = {
    "TUTELA_DATA": "The instance's directory: keys, checkpoints, logs, and what the engines that it starts keep. "
    "Default: `/var/lib/tutela/default` as root, else `tutela/default` in `XDG_DATA_HOME` or `~/.local/share`.",
    "TUTELA_PORT": f"The port of the page and the API. Default: {FIRST_PORT}, or the next one that is free.",
    "TUTELA_MQTT_PORT": f"The port for devices that publish over MQTT. Default: {FIRST_MQTT_PORT}, or the next one that is free.",
    "TUTELA_NATS_URL": "A NATS server or cluster that somebody else keeps. Default: one is started.",
    "TUTELA_PG_DSN": "A PostgreSQL database that somebody else keeps. Default: one is started.",
    "TUTELA_METRICS_PORT": f"The port of the metrics, on loopback. Default: {FIRST_METRICS}, or the next one that is free.",
    "TUTELA_PROCESS": "What a process is called in metrics and logs; `tutela up` names those that it starts.",
    "TUTELA_SESSION": "The token of a person's session, for the verbs that only a person may use, such as `tutela evidence`.",
    "TUTELA_TSA": "The address of a time stamping authority (RFC 3161) that stamps each bundle of evidence. Default: none, and nobody is asked.",
    "TUTELA_TSA_INSIDE": "`yes`: that authority may be inside of your own network. Default: only one on the public Internet is asked.",
    "TUTELA_OIDC_ISSUER": "The city's own identity provider (OpenID Connect), as it writes its issuer; how-to/oidc.md has the steps. Default: none.",
    "TUTELA_OIDC_CLIENT": "The id that the provider has for us.",
    "TUTELA_OIDC_SECRET_FILE": "A file with the secret that the provider and we share. Default: none, and PKCE alone shows that we asked.",
    "TUTELA_OIDC_NAME": "What people call the provider, at the entrance. Default: its host.",
    "TUTELA_OIDC_INSIDE": "`yes`: the provider may be inside of your own network. Default: only one on the public Internet, or on this machine, is asked.",
    "TUTELA_OIDC_CA": "A file with the certificates of an authority of your own (PEM), in place of those that this machine trusts. Default: none.",
    "TUTELA_SITE": "The address at which people reach this, such as `https://city.example`: passkeys are good there and nowhere else. "
    "Default: none, and passkeys are good at `http://localhost`, on the machine itself.",
    "TUTELA_COMMENT_DAYS": "For how many days residents can comment on a capability before it can be armed. Default: 14.",
    "TUTELA_LOG": "`json`: logs are one JSON object a line. Default: `text`.",
    "TUTELA_LAKE": "Where history goes, as Parquet files. Default: `lake` in the instance's directory.",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "A collector for traces, over OTLP/HTTP; how-to/trace.md names the others of its family. Default: none, and nothing is loaded.",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "The same, for traces alone, with its path.",
    "OTEL_EXPORTER_OTLP_HEADERS": "What the collector wants to be told, `name=value,…`, such as a token. It is never written into a log.",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "The same, for traces alone.",
    "OTEL_TRACES_SAMPLER": "Which traces are kept, `OTEL_TRACES_SAMPLER_ARG` how many of them. Default: `parentbased_always_on`.",
    "OTEL_SERVICE_NAME": "What the processes are called in traces. Default: `tutela-serve`, `tutela-work` and so on.",
    "OTEL_RESOURCE_ATTRIBUTES": "What else is told with each trace, `name=value,…`.",
    "OTEL_SDK_DISABLED": "`true`: no traces, whatever else is set.",
}
"""Every variable that the program reads; a test finds those that are missing here."""


# ── words ───────────────────────────────────────────────────────────────────────────────────────
def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("\n", " ").replace("|", "\\|")


def code(value: object) -> str:
    """As it is written in a program or file."""
    return f"`{value}`"


def about(part: object) -> str:
    """A docstring as a paragraph, without its indentation."""
    return cleandoc(part.__doc__ or "")


WORDS: Mapping[type[inspect.Type], str] = {
    inspect.BoolType: "true or false",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.StrType: "text",
    inspect.NoneType: "nothing",
}
MADE_OF: Mapping[type[inspect.Type], Callable[[Any], str]] = {
    inspect.LiteralType: lambda of: " or ".join(map(code, of.values)),
    inspect.EnumType: lambda of: " or ".join(map(code, of.cls)),
    inspect.UnionType: lambda of: " or ".join(map(kind_of, of.types)),
    inspect.VarTupleType: lambda of: f"list of {kind_of(of.item_type)}",
    inspect.TupleType: lambda of: f"[{', '.join(map(kind_of, of.item_types))}]",
    inspect.DictType: lambda of: f"table of {kind_of(of.value_type)}",
    inspect.StructType: lambda of: of.cls.__name__,
}
BOUNDS = (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))


def kind_of(of: inspect.Type) -> str:
    """A type in words. A KeyError is a type that has none yet: give it some above."""
    if type(of) in MADE_OF:
        return MADE_OF[type(of)](of)
    bounds = [f"{sign} {bound:g}" for name, sign in BOUNDS if (bound := getattr(of, name, None)) is not None]
    return " ".join([WORDS[type(of)], ", ".join(bounds)]).strip()


def default_of(field: inspect.Field) -> str:
    """A field's default, as it is written."""
    if field.required:
        return "needed"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if isinstance(value, Scale):
        return f"{value.urgency}, {value.severity}, {value.certainty}"
    return code(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def fields(noun: type[msgspec.Struct], but: Sequence[str] = ()) -> str:
    """The fields of a noun, as a table."""
    found = inspect.type_info(noun)
    assert isinstance(found, inspect.StructType)
    rows = [(code(one.name), kind_of(one.type), default_of(one)) for one in found.fields if one.name not in but]
    return table(("field", "is", "default"), rows)


# ── pages ───────────────────────────────────────────────────────────────────────────────────────
def detectors() -> Iterator[str]:
    """What every detector finds, needs and can't do."""
    yield "# Detectors\n\nObservations, or calls and detections, in; detections out. Written from the cards of the parts."
    for name in parts.names("detectors"):
        part = parts.load("detectors", name)
        card: Card = part.card
        yield f"## {name}\n\n{card.finds}\n\n**It cannot:** {card.cannot[0].lower()}{card.cannot[1:]}"
        yield table(
            ("version", "looks at", "is kept by", "allowed lateness", "personal data"),
            [(part.version, _needs(card), card.key, f"{card.lateness:g} s", "yes" if card.personal_data else "no")],
        )
        if card.quality:
            yield "It judges quality: what it doubts, other detectors do not see."
        if card.doubted:
            yield "It sees what is doubted too: it looks at whether something comes, and not at what it says."
        yield f"{about(part)}\n\n{fields(part)}"
        yield f"With {options(card.options) or 'its defaults'} it is found in this example:\n\n{samples(card.fires)}"
        yield f"And not in this one, a near miss:\n\n{samples(card.near_miss)}"


def forecasts() -> Iterator[str]:
    """What every forecast foresees and can't do."""
    yield "# Forecasts\n\nHistory in; where and when next out, with its score. Written from the cards of the parts."
    for name in parts.names("forecasts"):
        part = parts.load("forecasts", name)
        card: Card = part.card
        yield f"## {name}\n\n{card.finds}\n\n**It cannot:** {card.cannot[0].lower()}{card.cannot[1:]}"
        yield f"{about(part)}\n\n{fields(part)}"


def _needs(card: Card) -> str:
    lane = "observations" if card.key == "datastream" else "detections"
    return ", ".join(f"{lane} of any sort" if need == "*" else f"{need}s" for need in sorted(card.needs))


def options(chosen: Mapping[str, object]) -> str:
    """Options as they are written in a system."""
    built = msgspec.to_builtins(dict(chosen))
    return ", ".join(code(f"{name} = {json.dumps(value, ensure_ascii=False)}") for name, value in built.items())


def samples(shown: Sequence[Sample]) -> str:
    """An example as a table: seconds after its start, and what was seen."""
    return table(("at", "seen"), [(f"{sample.at:,.0f} s", _seen(sample)) for sample in shown])


def _seen(sample: Sample) -> str:
    if sample.tick:
        return "a tick"
    if sample.fact is not None:
        return f"a {sample.fact['noun']}: " + code(
            json.dumps({name: value for name, value in sample.fact.items() if name != "noun"})
        )
    which = f" of datastream {sample.datastream}" if sample.datastream else ""
    return ", ".join(f"{name} {value:g}" for name, value in sample.values.items()) + which


def sources() -> Iterator[str]:
    """Where things come in."""
    yield "# Sources\n\nWhere observations, calls and Things come in. Written from the cards of the parts."
    for name in parts.names("sources"):
        part = parts.load("sources", name)
        card: Card = part.card
        file = sys.modules[part.__module__]
        yield f"## {name}\n\n{card.finds}\n\n**It cannot:** {card.cannot[0].lower()}{card.cannot[1:]}\n\n{about(file)}"
        if hasattr(part, "sealed"):
            yield f"In a `[connection]`: {about(part)}"
            yield from [fields(part)] if part.__struct_fields__ else []
            secret = " and ".join(map(code, sorted(part.sealed)))
            yield from [f"In `[connection.secret]`: {secret}."] if secret else []
    yield "## Why rows are refused\n\n" + table(("reason", "means"), [(code(r), says) for r, says in SAYS.items()])
    yield "A line that can't be read is `unreadable`; the answer says which one and why."
    yield (
        f"Of a source that defines its datastreams itself, those beyond {USUAL.datastreams:,} are `{TOO_MANY}`, those it may not define"
        f" `{NOT_DEFINED}`, and `{CHANGING}` those that it changes when it has changed {USUAL.changes:,} in an hour."
    )


def standards() -> Iterator[str]:
    """Which shapes of messages are understood."""
    yield "# Standards\n\nShapes of messages and tables, and what they become. Written from the files of the parts."
    for name in parts.names("standards"):
        read = parts.load("standards", name)
        yield f"## {name}\n\n{about(sys.modules[read.__module__])}"
        if speaks(read):
            said = ", ".join(code(option.name) for option in own_options(read))
            yield "A `[connection]` can name it." + (f" Its options: {said}." if said else "")
    yield f"## What feeds have in common\n\n{about(_hearing)}"
    yield "## The fields of a JSON mapping\n\n" + "\n\n".join(
        f"**{title}** {about(noun)}\n\n{fields(noun)}"
        for title, noun in (("The file.", json_map.Map), ("`[[datastream]]`.", json_map.Stream))
    )
    yield f"## The fields of a block of topics\n\n**`[[datastream]]`.** {about(topics.Stream)}\n\n{fields(topics.Stream)}"
    yield "## The fields of a mapping\n\n" + "\n\n".join(
        f"**{title}** {about(noun)}\n\n{fields(noun)}"
        for title, noun in (
            ("The file.", Mapped),
            ("`[time]`.", When),
            ("`[[datastream]]`.", Stream),
            ("`[call]`.", CallShape),
        )
    )
    yield f"Shipped mappings: {', '.join(code(name) for name in shipped())}."


def systems() -> Iterator[str]:
    """Which parts each city system uses, and how."""
    yield "# Systems\n\nThe city systems, as far as they are built: lists of purposes and of parts. They hold no code."
    for system in detecting.installed():
        yield f"## {system.name}\n\n{system.says}\n\nFor {', '.join(system.purposes)}."
        rows = [
            (code(use.name), f"[{use.part}](detectors.md#{use.part})", options(use.options)) for use in system.detectors
        ]
        yield table(("finds", "by", "with"), rows)


def kinds() -> Iterator[str]:
    """Schemas of observations and register entries."""
    yield "# Kinds and schemas\n\nA kind is a named, versioned schema of observations. A released version is never changed."
    rows = [
        (code(kind.schema), kind.says, ", ".join(code(f"{name} {dtype}") for name, dtype in kind.columns), kind.key,
         "yes, sealed" if kind.personal_data else "no")
        for kind in KINDS.values()
    ]  # fmt: skip
    yield table(("schema", "is", "columns", "partitioned by", "personal data"), rows)
    yield "Every kind also has `datastream` (int32, the register's number) and `time` (int64, microseconds since 1970, UTC)."
    yield "## Register entries\n\nAs a file for `tutela sources enter`: one `[source]`, and any number of `[[thing]]` and `[[datastream]]`."
    for title, noun, but in (
        ("source", Source, ()),
        ("thing", Thing, ("id", "source")),
        ("datastream", Datastream, ("id", "source", "cell")),
    ):
        yield f"### {title}\n\n{about(noun)}\n\n{fields(noun, but)}"


def rules() -> Iterator[str]:
    """Who may do what, and why not."""
    shipped = policies()
    found = shipped.rules
    yield "# Policies\n\nWho may read or do what. A refusal names the policy; what to do is said with it."
    yield f"Each read and each refusal in the log names the set that decided by its digest. This one's is {code(shipped.digest)}."
    yield "## What nobody may do\n\n" + _rules(rule for rule in found if rule.forbids)
    yield "## What each role is here for\n\n" + _rules(rule for rule in found if not rule.forbids)
    yield "What no policy permits is refused as `no-permit`; what can't be judged, as `unjudged`."
    yield "## Purposes\n\n" + table(
        ("purpose", "is", "data collected for it may also be used for", "in DPV"),
        [
            (code(one.name), one.says, ", ".join(one.also) or "–", one.dpv.rpartition("#")[2])
            for one in PURPOSES.values()
        ],
    )
    yield "Oversight and rights-request are always purposes, whatever data was collected for."
    yield "## Legal bases\n\n" + table(("basis", "is"), [(code(name), says) for name, says in LEGAL_BASES.items()])
    yield "## Classes of records\n\n" + table(
        ("class", "is", "for, when it does not say itself", "about people", "read for at most"),
        [
            (code(one.name), one.says, "anything" if one.purposes == tuple(PURPOSES) else ", ".join(one.purposes) or "–",
             "yes" if one.personal_data else "no", f"{one.days} days" if one.days else "no limit")
            for one in CLASSES.values()
        ],
    )  # fmt: skip


def _rules(some: Iterable[Rule]) -> str:
    return table(("policy", "says", "what to do"), [(code(rule.id), rule.msg, rule.do) for rule in some])


def refused() -> Iterator[str]:
    """What is refused outright, with its message and the words by which it is recognised."""
    yield "# Refused uses\n\nWhat nobody may do, whatever is set: no option, rule, source or part enables it. Who asks gets the message, and the log an event."
    yield table(("id", "what", "message"), [(code(one.id), one.what, one.says) for one in NEVER.values()])
    yield (
        "## How they are recognised\n\nBy what is declared, whole, and by nothing else: the purpose that is named; the kind of a source; the kind of a Thing; kind and observed"
        " property of a Datastream; the options of a rule, a connection or a use of a part that say what is"
        f" looked at ({', '.join(map(code, sorted(DECLARES | TABLES)))}); the needs of a part's card, its name and its fields; a setting"
        " that turns something off. What people write, and what Things, sources and rules are called, is never looked through."
        " `skinColour`, `Skin colour` and `skin_colour` are `skin-colour` here."
    )
    yield table(
        ("id", "purposes", "properties, kinds, needs, fields", "settings that stay on"),
        [(code(one.id), *(", ".join(words) or "–" for words in (one.purposes, one.names, one.switches))) for one in NEVER.values()],
    )  # fmt: skip


def commands() -> Iterator[str]:
    """Every command with its help."""
    yield "# Command line\n\n`tutela COMMAND --help` says the same."
    root = typer.main.get_command(cli)
    for words, command in _commands(root, ("tutela",)):
        yield f"## {' '.join(words)}\n\n```text\n{_help(command, words)}\n```"
    yield "Exit status: 0 when it went well; 1 when it did not, with a sentence that says what to do; 2 for a wrong command line. `tutela witness` ends with 3 at an alarm; `tutela verify FILE` as [the script](../how-to/run-a-witness.md#give-away-a-proof-the-city-and-check-it-anybody) does."


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401  typer ships its own click
    yield words, command
    for name in getattr(command, "commands", ()):
        inner = command.get_command(typer.Context(command), name)
        if not inner.hidden:
            yield from _commands(inner, (*words, name))


def _help(command: Any, words: Sequence[str]) -> str:  # noqa: ANN401  as above
    context = typer.Context(command, info_name=" ".join(words), max_content_width=WIDTH, terminal_width=WIDTH)
    return str(command.get_help(context)).rstrip()


def raised() -> Iterator[str]:
    """The tree of errors."""
    tree = "\n".join(line[4:] for line in (errors.__doc__ or "").splitlines() if line.startswith("    "))
    yield f"# Errors\n\nEverything that is raised on purpose. Each message says what, where, and what to do.\n\n```text\n{tree}\n```"
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TutelaError)]
    yield "Over HTTP they are problem details (RFC 9457) with the type `tutela:NAME`:"
    yield table(("error", "status", "is"), [(code(one.__name__), one.status, about(one)) for one in found])


def environment() -> Iterator[str]:
    """Every variable that is read."""
    yield "# Environment variables\n\nAll there is to set from outside. A command-line option wins over its variable."
    yield table(("variable", "is"), [(code(name), says) for name, says in ENVIRONMENT.items()])


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "detectors": detectors,
    "forecasts": forecasts,
    "sources": sources,
    "standards": standards,
    "systems": systems,
    "kinds": kinds,
    "policies": rules,
    "refused-uses": refused,
    "command-line": commands,
    "errors": raised,
    "environment": environment,
}


def pages() -> dict[Path, str]:
    """Every page with its text, and the page that lists them."""
    made = {name: HEAD + "\n\n".join(page()) + "\n" for name, page in PAGES.items()}
    titles = {name: text.partition("# ")[2].partition("\n")[0] for name, text in made.items()}
    index = "\n".join(
        f"- [{titles[name]}]({name}.md): {(page.__doc__ or '').rstrip('.').lower()}" for name, page in PAGES.items()
    )
    made["README"] = f"{HEAD}# Reference\n\nWhat there is, written from the code itself.\n\n{index}\n"
    return {WHERE / f"{name}.md": text for name, text in made.items()}


def main(*, check: bool) -> int:
    """Write the pages, or (check) name those that are stale; exit status 1 when there are some."""
    made = pages()
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text() != text]
    stale += [path for path in WHERE.glob("*.md") if path not in made]
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is stale; run scripts/reference.py' if check else 'written'}")
        if not check:
            path.write_text(made[path]) if path in made else path.unlink()
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
