import json
import urllib.request


def post(crm, path, document):
    """What the CRM answers, once it has done it. Knows nothing of outages, retries or keys."""
    request = urllib.request.Request(crm + path, json.dumps(document).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
