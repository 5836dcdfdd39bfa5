"""Locust's statistics after batches, against those that Locust makes of an event a request."""

import json
import random
import subprocess
import sys

SCRIPT = """
import json, sys
from locust.env import Environment
from locust.event import Events
from loadtest.worker.stats_batch import StatsBatch

def made(send, listens):
    environment = Environment(events=Events())
    environment.create_local_runner()
    heard = []
    if listens:
        environment.events.request.add_listener(lambda **event: heard.append(event["name"]))
    batch = StatsBatch(environment)
    for name, time_ms, length, error in requests:
        send(environment, batch, name, time_ms, length, ValueError(error) if error else None)
    batch.flush()
    stats = environment.stats
    rows = [one.serialize() for one in (stats.total, *(stats.entries[key] for key in sorted(stats.entries)))]
    for row in rows:
        row["num_reqs_per_sec"] = sum(row["num_reqs_per_sec"].values())
        row["num_fail_per_sec"] = sum(row["num_fail_per_sec"].values())
        row["total_response_time"] = round(row["total_response_time"], 6)
        row.pop("start_time"), row.pop("last_request_timestamp")
    errors = sorted((one.to_name(), one.occurrences) for one in stats.errors.values())
    return json.loads(json.dumps([rows, errors, len(heard)]))

def by_event(environment, batch, name, time_ms, length, error):
    environment.events.request.fire(request_type="GET", name=name, response_time=time_ms,
        response_length=length, exception=error, context={}, response=None, start_time=0.0, url="")

def by_batch(environment, batch, name, time_ms, length, error):
    batch.ended(("GET", name), error, time_ms=time_ms, length=length)

requests = json.load(sys.stdin)
print(json.dumps([made(by_event, False), made(by_batch, False), made(by_batch, True)]))
"""


def test_batches_leave_the_statistics_that_an_event_a_request_leaves():
    """Counts, sums, extremes, the histogram, failures; and who listens to the event gets every request."""
    chance = random.Random(7)
    requests = [
        (chance.choice(["/a", "/b"]), 10 ** chance.uniform(-2, 4.5), chance.randrange(5000), error)
        for error in [""] * 1500 + ["no"] * 20
    ]
    chance.shuffle(requests)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(requests).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    by_event, by_batch, listened = json.loads(done.stdout)

    assert by_batch == by_event
    assert by_event[0][0]["num_requests"] == len(requests)
    assert listened[:2] == by_event[:2]
    assert listened[2] == len(requests)
