"""Runs every check of scim2-tester against a server, and prints one JSON object a line for each result.

Usage: check.py URL TOKEN_FILE
"""

import json
import pathlib
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

url, token_file = sys.argv[1:]
token = pathlib.Path(token_file).read_text().strip()
headers = {"Authorization": f"Bearer {token}"}
# The proxies of the environment are not meant for a server on loopback.
with Client(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
    for result in check_server(SyncSCIMClient(http)):
        line = {
            "status": result.status.name,
            "check": result.title,
            "of": result.resource_type,
            "reason": result.reason,
        }
        print(json.dumps(line))
