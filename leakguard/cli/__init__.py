"""The command line: click commands, each importing its own needs. Nothing else may import click, or this."""
