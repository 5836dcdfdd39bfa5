"""One run, read: its calls by zone, cost, prediction and caveats."""
