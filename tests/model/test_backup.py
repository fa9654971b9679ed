"""What a backup says of itself."""

from __future__ import annotations

from tutela.model.backup import VERSION, File, Manifest


def test_a_manifest_counts_the_bytes_of_its_files() -> None:
    files = (File(path="a", size=3, sha256=""), File(path="b/c", size=4, sha256=""))
    manifest = Manifest(
        program="1.0",
        install="i",
        city="Helsinki",
        began=1,
        ended=2,
        checkpoint=None,
        streams=(),
        keys=False,
        files=files,
    )

    assert (manifest.size, manifest.version) == (7, VERSION)
