"""What is a secret: rules, gates, decoding, the engine. Knows no files, no git, no screens."""
