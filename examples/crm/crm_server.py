"""A CRM for the demo: takes whatever is posted to it for new, and counts.

`crm_server.py ADDRESS PORT BOOK` listens; port 0 is any. Each request that it has done is a line of the file BOOK, which outlives it.
`crm_server.py count BOOK CONVERSATION` prints what it has done for a conversation.
"""

import json
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Crm(BaseHTTPRequestHandler):
    book = ""

    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(self.book, "a") as book:
            print(json.dumps({"path": self.path, "conversation": document["conversation"]}), file=book, flush=True)
        answer = json.dumps({"id": f"{document['conversation']}{self.path}"}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format, *args):
        pass


def count(book, conversation):
    """How often each thing was done for the conversation."""
    try:
        with open(book) as lines:
            done = [json.loads(line) for line in lines]
    except FileNotFoundError:
        done = []
    return Counter(one["path"] for one in done if one["conversation"] == conversation)


if sys.argv[1] == "count":
    for path, times in sorted(count(*sys.argv[2:]).items()):
        print(f"POST {path}: {times}")
else:
    address, port, Crm.book = sys.argv[1:]
    server = ThreadingHTTPServer((address, int(port)), Crm)
    print(server.server_port, flush=True)
    server.serve_forever()
