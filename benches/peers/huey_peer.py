"""The job on huey with its file in WAL and fsync on. Its workers are threads: one core of Python."""

import json
import queue
import sys
import threading
import time
import http.client
from pathlib import Path
from urllib.parse import urlsplit

from huey import SqliteHuey

JOBS, AT_ONCE, ALONE = 2000, 64, 50
url, token, folder = sys.argv[1:4]
address = urlsplit(url).netloc
kept, done = threading.local(), queue.SimpleQueue()
huey = SqliteHuey("peer", filename=str(Path(folder) / "huey.db"), fsync=True, timeout=60)


def call(method, path):
    if not hasattr(kept, "connection"):
        kept.connection = http.client.HTTPConnection(address)
    kept.connection.request(method, f"/api/v4/{path}", headers={"Authorization": f"Bearer {token}"})
    answer = kept.connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: {answer.status}")
    return json.loads(body)


@huey.task()
def end_sessions(person):
    found = call("GET", f"users/username/user{person:04}")
    left = time.monotonic()
    call("POST", f"users/{found['id']}/sessions/revoke/all")
    if call("GET", f"users/{found['id']}/sessions"):
        raise RuntimeError("sessions are left")
    done.put(left)


began = time.monotonic()
for person in range(1, JOBS + 1):
    end_sessions(person)
enqueues = time.monotonic() - began

consumer = huey.create_consumer(workers=AT_ONCE, periodic=False, initial_delay=0.005, backoff=1.0, max_delay=0.005)
began = time.monotonic()
consumer.start()
for _ in range(JOBS):
    done.get()
jobs = time.monotonic() - began

waits = []
for person in range(JOBS + 1, JOBS + ALONE + 1):
    time.sleep(0.02)
    began = time.monotonic()
    end_sessions(person)
    waits.append((done.get() - began) * 1000)
consumer.stop()
waits.sort()
print(f"| huey 3.5 | {JOBS / jobs:.0f} | {JOBS / enqueues:.0f} | {waits[ALONE // 2]:.1f} ms |")
