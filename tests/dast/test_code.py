"""What the code never does, in any of its files: read as trees, so that a string in a comment is no offence."""

from __future__ import annotations

import ast
import re
import ssl
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tutela.screens.paper import paper
from tutela.sources.broker import Broker
from tutela.sources.poll import Poll

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "tutela"
TEMPLATES = SRC / "screens" / "templates"
STATIC = SRC / "screens" / "static"

RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
THROUGH_A_SHELL = {"os.system", "os.popen", "asyncio.create_subprocess_shell", "subprocess.getoutput"}
UNPACKS_OBJECTS = {"pickle", "cPickle", "dill", "shelve", "marshal", "jsonpickle", "yaml", "joblib"}
RAW_XML = {"xml.etree", "xml.dom", "xml.sax", "lxml", "xmltodict"}
CHANCE = {
    "tutela.app.connect": "how long a connection waits before it tries again",
    "tutela.backends.link": "the same of NATS",
    "tutela.backends.server_nats": "a port that is probably free",
}
"""Who uses `random`, and for what: nothing that is a secret."""

WEAK = re.compile(r"\b(md5|sha1|MD5|SHA1|DES|TripleDES|RC4|ARC4|Blowfish|ECB|PKCS1v15)\b")
PUBLIC_HASHES = {"sha256", "sha384", "sha512", "blake2b"}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the product, by its name."""
    names = {path: ".".join(path.relative_to(SRC.parent).with_suffix("").parts) for path in sorted(SRC.rglob("*.py"))}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for path, name in names.items()}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for name, tree in trees().items():
        yield from ((name, node) for node in ast.walk(tree))


def called(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def imported() -> Iterator[tuple[str, str]]:
    """(module, what it imports), with the names that are taken from it."""
    for name, node in nodes():
        if isinstance(node, ast.Import):
            yield from ((name, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((name, f"{node.module}.{one.name}") for one in node.names)


def below(what: str, roots: set[str]) -> bool:
    return any(what == root or what.startswith(f"{root}.") for root in roots)


def templates() -> Iterator[tuple[str, str]]:
    yield from ((path.name, path.read_text(encoding="utf-8")) for path in sorted(TEMPLATES.rglob("*.html")))


def test_there_is_code_to_be_read() -> None:
    assert len(trees()) > 200
    assert len(list(templates())) > 5


def test_no_text_is_ever_run_as_code() -> None:
    assert not [
        (name, node.lineno) for name, node in nodes() if isinstance(node, ast.Call) and called(node) in RUNS_TEXT
    ]


def test_no_command_goes_through_a_shell() -> None:
    found = [
        (name, node.lineno)
        for name, node in nodes()
        if isinstance(node, ast.Call)
        and (
            called(node) in THROUGH_A_SHELL
            or any(
                one.arg == "shell" and not (isinstance(one.value, ast.Constant) and one.value.value is False)
                for one in node.keywords
            )
        )
    ]
    assert not found


def test_no_objects_are_unpacked_from_bytes() -> None:
    assert not [pair for pair in imported() if below(pair[1], UNPACKS_OBJECTS)]


def test_xml_is_read_by_a_reader_that_opens_no_entities_alone() -> None:
    """The standard library's own gives the names of its types and its error, and reads nothing."""
    taken = {what for _, what in imported() if below(what, RAW_XML)}

    assert taken <= {"xml.etree.ElementTree.Element", "xml.etree.ElementTree.ParseError"}


def test_chance_that_can_be_foreseen_is_used_for_no_secret() -> None:
    assert {name for name, what in imported() if below(what, {"random"})} <= set(CHANCE)
    assert not [pair for pair in imported() if below(pair[1], {"numpy.random"})]


def test_no_weak_hash_and_no_weak_cipher_is_used() -> None:
    """SNMPv3's oldest authentication is the one exception: devices that know no other are read with it."""
    found = {
        name
        for name, node in nodes()
        if (isinstance(node, ast.Attribute) and WEAK.fullmatch(node.attr))
        or (isinstance(node, ast.Name) and WEAK.fullmatch(node.id))
        or (isinstance(node, ast.alias) and WEAK.search(node.name))
    }
    assert not found
    hashes = {what.rpartition(".")[2] for _, what in imported() if below(what, {"hashlib"})} | {
        node.attr for _, node in nodes() if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "hashlib"
    }
    assert hashes - {"hashlib", "file_digest"} <= PUBLIC_HASHES, hashes
    assert {
        ast.unparse(node.args[1]) for _, node in nodes() if isinstance(node, ast.Call) and called(node) == "file_digest"
    } == {"'sha256'"}


def test_what_is_encrypted_is_authenticated_too() -> None:
    ciphers = {
        what.rpartition(".")[2] for _, what in imported() if "hazmat.primitives.ciphers" in what or "keywrap" in what
    }
    assert {"AESGCM", "aes_key_wrap"} <= ciphers <= {"AESGCM", "aes_key_wrap", "aes_key_unwrap", "InvalidUnwrap"}


def test_cryptography_is_that_of_one_known_library() -> None:
    """Our own arithmetic of Ed25519 is in the script for outsiders alone, and signs nothing."""
    known = {what.partition(".")[0] for _, what in imported()} & {"cryptography", "nacl", "Crypto", "rsa", "ecdsa"}
    arithmetic = {name for name, node in nodes() if isinstance(node, ast.Constant) and node.value == 2**255 - 19}

    assert known == {"cryptography"}
    assert arithmetic <= {"tutela.backends.outsider"}


def test_certificates_of_servers_are_always_checked() -> None:
    text = "\n".join(ast.unparse(tree) for tree in trees().values())

    assert not re.search(r"CERT_NONE|check_hostname\s*=\s*False|verify=False|_create_unverified|tls_insecure", text)


@pytest.mark.parametrize("made", [Poll(url="https://feeds.example/")._trusted(), None], ids=["poll", "broker"])
def test_a_client_of_ours_speaks_tls_1_2_or_newer_and_asks_for_a_certificate(made: ssl.SSLContext | None) -> None:
    context = made or Broker(host="broker.example", topics=("a",))._trusted()

    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("made", [Poll(url="https://feeds.example/")._trusted(), None], ids=["poll", "broker"])
def test_a_client_of_ours_offers_ciphers_with_forward_secrecy_alone(made: ssl.SSLContext | None) -> None:
    context = made or Broker(host="broker.example", topics=("a",))._trusted()
    names = [str(cipher["name"]) for cipher in context.get_ciphers()]

    assert names
    assert all(name.startswith(("TLS_", "ECDHE-", "DHE-")) for name in names)
    assert not [name for name in names if re.search(r"NULL|RC4|DES|MD5|EXP|anon|-SHA$", name)]


def test_templates_escape_what_they_are_given_and_are_made_of_files_alone() -> None:
    """The one thing that is put in as it is, is a picture of the map, in which all names are escaped: tests/maths/test_drawing.py."""
    assert paper.autoescape is True
    drawn = [(name, text.replace("{{ picture | safe }}", "")) for name, text in templates()]
    assert not [name for name, text in drawn if re.search(r"\|\s*safe\b|autoescape false|\{%-?\s*raw", text)]
    # A QR code: numbers of a library, and no word of anybody's.
    assert {
        name
        for name, node in nodes()
        if isinstance(node, ast.Call) and called(node).split(".")[-1] in {"from_string", "Template", "Markup"}
    } == {"tutela.screens.sign"}


def test_no_page_holds_a_script_or_a_style_of_its_own() -> None:
    for name, text in templates():
        assert not re.search(r"<script(?![^>]* src=\"/static/)|<style|\son[a-z]+=|\sstyle=|javascript:", text), name


AWAY = {
    # Where the city's own provider is: app/provider.py lets through what is over TLS, or on this machine (tests/app/test_provider.py).
    ("going.html", "{{ address }}"),
    # Pages of a table in the program, and languages that there are files of.
    ("admin.html", "{{ one.address }}"),
    ("frame.html", "{{ address }}"),
    ("frame.html", "?lang={{ code }}"),
}


def test_every_address_in_a_page_leads_to_ourselves() -> None:
    """Each begins with a path of ours, so that nothing put into it makes it another host or another scheme."""
    for name, text in templates():
        for found in re.findall(r"(?:href|action|src)=\"([^\"]*)\"", text):
            assert (name, found) in AWAY or re.match(r"/(?![/\\{])|/$|#", found), (name, found)


def test_our_script_keeps_nothing_in_the_browser_and_listens_to_no_other_window() -> None:
    scripts = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
    # A draft of a report, without how its writer is reached, until it is sent.
    draft = scripts["resident.js"]
    assert 'const KEPT = ["category", "where", "words"];' in draft
    assert "localStorage.removeItem(DRAFT)" in draft
    script = "\n".join(scripts.values()).replace("localStorage.", "", draft.count("localStorage."))

    assert not re.search(
        r"localStorage|sessionStorage|indexedDB|document\.cookie|postMessage|'message'|eval\(|Function\(", script
    )
    assert not re.search(r"https?://(?!www\.w3\.org)", script)
    assert "'use strict'" in script
    # Nothing is put into plain objects by a name that came from elsewhere: those are maps and sets. Names of a list
    # that stands in the script are its own.
    own = set(re.findall(r"for \(const (\w+) of \['", script))
    put = set(re.findall(r"\w\[([a-z]\w*)\]\s*=[^=]", script))
    assert put <= own
    assert not re.search(r"__proto__|\.prototype\b", script)


def test_regular_expressions_are_never_made_of_what_somebody_sent() -> None:
    """A pattern is a constant, or a part of the program that is named in capitals."""
    makers = {
        f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer")
    }
    found = []
    for name, node in nodes():
        if isinstance(node, ast.Call) and called(node) in makers:
            pattern = node.args[0]
            names = {one.id for one in ast.walk(pattern) if isinstance(one, ast.Name)}
            if not all(one.strip("_").isupper() for one in names) or any(
                isinstance(x, ast.Call) for x in ast.walk(pattern)
            ):
                found.append((name, node.lineno))
    assert not found


def test_no_statement_of_postgresql_holds_what_somebody_sent() -> None:
    """Each is put together from constants alone; what somebody sent goes beside it, as a parameter."""
    doing = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor"}
    found = []
    for name, node in nodes():
        if not (name.startswith("tutela.backends.postgres") and isinstance(node, ast.Call) and node.args):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in doing:
            composed = [one for one in ast.walk(node.args[0]) if isinstance(one, (ast.JoinedStr, ast.BinOp, ast.Call))]
            names = {part.id for one in composed for part in ast.walk(one) if isinstance(part, ast.Name)}
            if not all(one.strip("_").isupper() for one in names):
                found.append((name, node.lineno, ast.unparse(node.args[0])[:60]))
    assert not found


def test_what_is_shipped_holds_no_tests_and_no_history() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]

    assert told["wheel"]["packages"] == ["src/tutela"]
    assert not [name for name in trees() if name.rpartition(".")[2].startswith(("test_", "conftest"))]
    assert not [pair for pair in imported() if below(pair[1], {"pytest", "unittest", "hypothesis", "tests"})]


def test_nothing_runs_in_a_mode_for_debugging() -> None:
    found = [
        (name, node.lineno)
        for name, node in nodes()
        if isinstance(node, ast.Call)
        for one in node.keywords
        if one.arg in {"debug", "reload"} and not (isinstance(one.value, ast.Constant) and one.value.value is False)
    ]
    assert not found


def test_no_door_of_ours_listens_beyond_this_machine() -> None:
    """Off this machine needs a proxy with TLS before it. A listener for syslog is opened where its entry says."""
    told = {
        f"{name}.{target.id}": node.value.value
        for name, node in nodes()
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "HOST"
    }
    assert {"tutela.app.serve.HOST", "tutela.backends.metrics.HOST"} <= set(told)
    assert set(told.values()) == {"127.0.0.1"}
    assert not [name for name, node in nodes() if isinstance(node, ast.Constant) and node.value in {"0.0.0.0", "::"}]


def test_no_credential_is_written_down_in_the_code() -> None:
    secret = re.compile(r"pass(word|wd|phrase)?|secret|api_?key|token|credential")
    public = {"", "token", "bearer", "session"}
    found = [
        (name, node.lineno, target.id, node.value.value)
        for name, node in nodes()
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
        and secret.fullmatch(target.id.lower().strip("_"))
        and node.value.value not in public
    ]
    assert not found
