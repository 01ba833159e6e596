#!/usr/bin/env python3
"""A receiver of security event tokens (RFC 8935) for trying a transmitter out. Nothing but Python's own library.

    python3 receiver.py ISSUER AUDIENCE PORT

Knows the issuer's name and nothing else of it: looks up its metadata and keys, checks each token, prints the claims as one line of JSON,
and answers as the RFC asks. It remembers nothing and listens on loopback only, so it is no receiver for production.
"""

import base64
import hashlib
import hmac
import json
import sys
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


class Refused(Exception):
    """A token that is not believed: the RFC's code, and why."""


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def keys_of(issuer):
    """The issuer's keys by name, found as SSF 1.0 section 7.2 says."""
    parts = urllib.parse.urlsplit(issuer)
    url = f"{parts.scheme}://{parts.netloc}/.well-known/ssf-configuration{parts.path.rstrip('/')}"
    metadata = fetched(url)
    if metadata["issuer"] != issuer:
        raise Refused("invalid_issuer", "the metadata is another issuer's")
    return {key["kid"]: key for key in fetched(metadata["jwks_uri"])["keys"] if key["kty"] == "RSA"}


def verified(signed, signature, key):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.2)."""
    n = int.from_bytes(decoded(key["n"]), "big")
    e = int.from_bytes(decoded(key["e"]), "big")
    size = (n.bit_length() + 7) // 8
    digest = SHA256_PREFIX + hashlib.sha256(signed).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    found = pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big")
    return len(signature) == size and hmac.compare_digest(found, expected)


def claims_of(token, issuer, audience):
    try:
        header, payload, signature = token.split(".")
        head, claims = json.loads(decoded(header)), json.loads(decoded(payload))
    except ValueError:
        raise Refused("invalid_request", "it is not a signed token") from None
    if head.get("typ") != "secevent+jwt":
        raise Refused("invalid_request", "typ is not secevent+jwt")
    if claims.get("iss") != issuer:
        raise Refused("invalid_issuer", "iss is another issuer")
    key = keys_of(issuer).get(head.get("kid"))
    if head.get("alg") != "RS256" or key is None:
        raise Refused("invalid_key", "the issuer publishes no such key")
    if not verified(f"{header}.{payload}".encode(), decoded(signature), key):
        raise Refused("authentication_failed", "the signature does not verify")
    if audience not in ([claims["aud"]] if isinstance(claims.get("aud"), str) else claims.get("aud", [])):
        raise Refused("invalid_audience", "aud is another receiver")
    return claims


class Door(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1 << 16))
        try:
            claims = claims_of(body.decode("ascii", "replace").strip(), self.server.issuer, self.server.audience)
        except Refused as refused:
            code, why = refused.args
            self.answer(400, json.dumps({"err": code, "description": why}).encode())
            return
        except OSError as error:
            print(f"the keys cannot be had: {error}", file=sys.stderr)
            self.answer(503)
            return
        print(json.dumps(claims), flush=True)
        self.answer(202)

    def answer(self, status, body=b""):
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Language", "en")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    server = HTTPServer(("127.0.0.1", int(sys.argv[3])), Door)
    server.issuer, server.audience = sys.argv[1], sys.argv[2]
    server.serve_forever()


if __name__ == "__main__":
    main()
