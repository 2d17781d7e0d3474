"""Documents, as the text that people see in them. Imported by `sources.inside.walk`, a module when its kind is met."""
