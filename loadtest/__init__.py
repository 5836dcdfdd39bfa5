"""The traffic: who calls what, at which rate, from which zone, and the record of it."""
