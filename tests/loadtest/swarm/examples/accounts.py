import itertools
import json

with open("accounts.json") as file:
    _ACCOUNTS = itertools.cycle(json.load(file))


def next_one():
    return next(_ACCOUNTS)
