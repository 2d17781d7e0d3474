"""Databases and their dumps, row by row. Imported by `sources.inside.walk`, a module when its kind is met."""
