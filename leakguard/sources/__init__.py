"""Where bytes come from: each module here turns one kind of place into Documents. Knows no rules."""
