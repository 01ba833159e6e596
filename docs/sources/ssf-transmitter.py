#!/usr/bin/env python3
"""A small SSF transmitter for trying out the source `ssf`, by poll. It needs Python 3.9 and openssl, listens on this host only,
keeps everything in memory, and is no more than a toy: one stream, one key, no TLS.

    head -c 32 /dev/urandom | base64 > ssf-token && chmod 600 ssf-token
    python3 ssf-transmitter.py --port 8900 --token ssf-token

It prints its issuer and its audience. Then, for each event that is to be sent:

    curl http://127.0.0.1:8900/emit -d '{"event": "session-revoked", "email": "alice@example.org"}'
"""

import argparse
import base64
import json
import os
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

BASE = "https://schemas.openid.net/secevent/"
EVENTS = {
    "session-revoked": BASE + "caep/event-type/session-revoked",
    "credential-change": BASE + "caep/event-type/credential-change",
    "account-disabled": BASE + "risc/event-type/account-disabled",
}
AUDIENCE = "https://revoked.example.org/signals/idp"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Transmitter:
    """The one stream, and the tokens that wait to be fetched."""

    def __init__(self, key, token):
        self.key, self.token = key, token
        self.stream, self.status, self.queue = None, "enabled", {}
        self.changed = threading.Condition()

    def openssl(self, *args, data=b""):
        return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout

    def jwks(self):
        modulus = self.openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "toy", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}]}

    def metadata(self):
        return {
            "spec_version": "1_0",
            "issuer": self.issuer,
            "jwks_uri": self.issuer + "/jwks",
            "delivery_methods_supported": ["urn:ietf:rfc:8936"],
            "configuration_endpoint": self.issuer + "/streams",
            "status_endpoint": self.issuer + "/status",
            "verification_endpoint": self.issuer + "/verify",
            "default_subjects": "ALL",
        }

    def send(self, uri, event, subject):
        """Signs a token and lets it wait for the next poll."""
        jti = uuid.uuid4().hex
        header = {"typ": "secevent+jwt", "alg": "RS256", "kid": "toy"}
        claims = {"iss": self.issuer, "aud": AUDIENCE, "iat": int(time.time()), "jti": jti, "sub_id": subject, "events": {uri: event}}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        signature = self.openssl("dgst", "-sha256", "-sign", self.key, data=signed.encode())
        with self.changed:
            self.queue[jti] = signed + "." + b64(signature)
            self.changed.notify_all()
        return jti

    def poll(self, asked):
        """RFC 8936: takes out what is acknowledged or refused, then waits for something to hand over."""
        most = asked.get("maxEvents", 100)
        with self.changed:
            for jti in [*asked.get("ack", []), *asked.get("setErrs", {})]:
                if self.queue.pop(jti, None):
                    print("refused" if jti in asked.get("setErrs", {}) else "acknowledged", jti, asked.get("setErrs", {}).get(jti, ""), flush=True)
            if not asked.get("returnImmediately") and most > 0:
                self.changed.wait_for(lambda: self.queue, timeout=20)
            sets = dict(list(self.queue.items())[:most])
            return {"sets": sets, "moreAvailable": len(self.queue) > len(sets)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass

    def route(self):
        this, url = self.server.transmitter, urlparse(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(body) if body else {}
        call = (self.command, url.path)
        if call == ("GET", "/.well-known/ssf-configuration"):
            return self.answer(200, this.metadata())
        if call == ("GET", "/jwks"):
            return self.answer(200, this.jwks())
        if call == ("POST", "/emit"):
            subject = {"format": "email", "email": body["email"]}
            return self.answer(200, {"jti": this.send(EVENTS[body["event"]], body.get("claims", {}), subject)})
        if self.headers.get("Authorization") != "Bearer " + this.token:
            return self.answer(401)
        stream = parse_qs(url.query).get("stream_id", [body.get("stream_id")])[0]
        if call == ("POST", "/streams"):
            if this.stream:
                return self.answer(409)
            this.stream = {
                "stream_id": "toy-stream",
                "iss": this.issuer,
                "aud": [AUDIENCE],
                "delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": this.issuer + "/poll"},
                "events_requested": body["events_requested"],
                "events_delivered": list(EVENTS.values()),
            }
            return self.answer(201, this.stream)
        if call == ("GET", "/streams") and stream is None:
            return self.answer(200, [this.stream] if this.stream else [])
        if this.stream is None or (url.path != "/poll" and stream != "toy-stream"):
            return self.answer(404)
        if call == ("GET", "/streams"):
            return self.answer(200, this.stream)
        if call == ("PATCH", "/streams"):
            this.stream["events_requested"] = body["events_requested"]
            return self.answer(200, this.stream)
        if call == ("DELETE", "/streams"):
            this.stream = None
            return self.answer(204)
        if call == ("GET", "/status"):
            return self.answer(200, {"stream_id": stream, "status": this.status})
        if call == ("POST", "/status"):
            this.status = body["status"]
            return self.answer(200, body)
        if call == ("POST", "/verify"):
            event = {"state": body["state"]} if "state" in body else {}
            this.send(BASE + "ssf/event-type/verification", event, {"format": "opaque", "id": stream})
            return self.answer(204)
        if call == ("POST", "/poll"):
            return self.answer(200, this.poll(body))
        return self.answer(404)

    do_GET = do_POST = do_PATCH = do_DELETE = route


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--token", required=True, help="a file with the token that the receiver must show")
    parser.add_argument("--key", default="ssf-key.pem", help="the RSA key, made when it is not there")
    args = parser.parse_args()
    with open(args.token) as file:
        transmitter = Transmitter(args.key, file.read().strip())
    if not os.path.exists(args.key):
        transmitter.openssl("genrsa", "-out", args.key, "2048")
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    server.transmitter = transmitter
    transmitter.issuer = f"http://127.0.0.1:{server.server_port}"
    print(f"issuer   {transmitter.issuer}\naudience {AUDIENCE}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
