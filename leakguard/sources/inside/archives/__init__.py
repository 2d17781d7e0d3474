"""Archives, packages, disk images and compressed streams. Imported by `sources.inside.walk`, a module when its kind is met."""
