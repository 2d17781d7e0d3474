"""Logs and captures: what programs and networks recorded. Imported by `sources.inside.walk`, a module when its kind is met."""
