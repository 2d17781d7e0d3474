"""Tables in columns, event logs, arrays and pickles. Imported by `sources.inside.walk`, a module when its kind is met."""
