#!/usr/bin/env python3
"""A target of kind "exec": an old CRM that keeps its people in one JSON file.

Usage: exec-crm.py ACCOUNTS.json, with the CRM's key in $CRM_KEY. The file:
{"alice": {"mail": "alice@example.org", "active": true, "sessions": {"s1": "2026-11-01T08:00:00Z"}, "tokens": ["t1"]}}
"""
import fcntl
import json
import os
import sys


class Failed(Exception):
    """What is told to revoked, and what it is to do then: retry, retry_after, pause or give_up."""

    def __init__(self, what, then):
        super().__init__(what)
        self.then = then


def describe(_, __):
    return {
        "asks_by": ["username", "email"],
        "ends": ["session", "access_token"],
        "lists": ["session", "access_token"],
        "ends_all": ["session"],
        "suspends": True,
        "not_covered": ["Reports that the CRM mails out by itself go on until somebody deletes them"],
    }


def probe(people, _):
    return {"version": "CRM 3.1", "acting_as": "batch", "findings": [] if people else [
        {"level": "warning", "what": "the CRM has no people", "advice": "look whether this is the right file"}]}


def resolve(people, asked):
    field = {"username": lambda name, _: name, "opaque": lambda name, _: name, "email": lambda _, person: person["mail"].lower()}
    of = field[asked["format"]]
    found = [name for name, person in people.items() if of(name, person) == asked["value"]]
    if not found:
        return {"nobody": True}
    if len(found) > 1:
        return {"ambiguous": found}
    person = people[found[0]]
    return {"principal": {
        "id": found[0],
        "names": ["username:" + found[0], "email:" + person["mail"]],
        "suspended": not person["active"],
    }}


def person_of(people, asked):
    name = asked["principal"]["id"]
    if name not in people:
        raise Failed("the account is gone since it was looked up", "retry")
    return name, people[name]


def observe(people, asked):
    name, person = person_of(people, asked)
    sessions = [{"kind": "session", "id": id, "created_at": at} for id, at in person["sessions"].items()]
    tokens = [{"kind": "access_token", "id": id} for id in person["tokens"]]
    return {"principal": name, "suspended": not person["active"], "listed": ["session", "access_token"], "grants": sessions + tokens}


def apply(people, asked):
    _, person = person_of(people, asked)
    action = asked["action"]
    if action["do"] in ("suspend", "release"):
        active = action["do"] == "release"
        already = person["active"] == active
        person["active"] = active
    elif action["do"] == "end_all" and action["kind"] == "session":
        already = not person["sessions"]
        person["sessions"].clear()
    elif action["do"] == "end" and action["kind"] == "session":
        already = person["sessions"].pop(action["id"], None) is None
    elif action["do"] == "end" and action["kind"] == "access_token":
        already = action["id"] not in person["tokens"]
        person["tokens"] = [id for id in person["tokens"] if id != action["id"]]
    else:
        raise Failed("the CRM cannot " + action["do"], "give_up")
    return {"already": already}


def main():
    asked = json.load(sys.stdin)
    try:
        if os.environ.get("CRM_KEY") != "crm-of-the-tests":
            raise Failed("the CRM does not take our key", "pause")
        with open(sys.argv[1], "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            people = json.load(file)
            answer = {"describe": describe, "probe": probe, "resolve": resolve, "observe": observe, "apply": apply}[asked["do"]](people, asked)
            if asked["do"] == "apply":
                file.seek(0)
                json.dump(people, file)
                file.truncate()
    except Failed as failed:
        answer = {"error": {"what": str(failed), "then": failed.then}}
    json.dump({"revoked": 1} | answer, sys.stdout)


main()
