"""Central Helsinki: an extract of OpenStreetMap. © OpenStreetMap contributors, ODbL 1.0."""

from importlib.resources import files

EXTRACT = files(__package__) / "helsinki.osm.pbf"
"""The extract, in OpenStreetMap's PBF format."""

MAP = files(__package__) / "helsinki.pmtiles"
"""The map that is drawn, built from it by `tutela map build`."""

NAME = "Helsinki"
ZONE = "Europe/Helsinki"
CREDIT = "© OpenStreetMap contributors (ODbL 1.0)"
