"""What is watched for every datastream, whatever it measures and whoever sends it."""

from tutela.model.system import System, Use

system = System(
    name="datastreams",
    says="Notices what has gone silent, and levels that are unusual for the hour of the week.",
    purposes=("city-operations", "public-safety", "environment", "traffic"),
    detectors=(
        Use(part="silence", name="silence"),
        Use(part="unusual", name="unusual"),  # one use for all: it keeps 1.5 kB of each datastream
    ),
)
