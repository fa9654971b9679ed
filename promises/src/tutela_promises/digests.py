"""What every detector finds in one stream, as a hash each: `python -m tutela_promises.digests`."""

from __future__ import annotations

import hashlib
import json
import sys

from tutela.flow.detector import Detector
from tutela.model.flow import encode

from .examples import made
from .stage import play, seens
from .streams import stream, world


def digest(detector: Detector) -> str:
    """A hash of all that a detector finds in the stream of seed 1, with ids, places and reasons."""
    found = play(detector, seens(world(detector), stream(detector, 1)))
    return hashlib.sha256(b"\n".join(encode(each) for each in found)).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: digest(made(name)) for name in sys.argv[1:]}))
