"""What people and machines see over HTTP. One thin file per screen."""
