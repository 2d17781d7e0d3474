"""What a match means: its identity, whether it is known or allowed, how bad it is. Knows detect and model only."""
