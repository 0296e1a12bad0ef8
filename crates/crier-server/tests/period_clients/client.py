# Calls by minifb as it is, in Python 2. It knows one address alone, so the environment's http_proxy leads it here.
# Reads one JSON object a line: method, api_key, secret, params. Prints one a line: the value, or code and message of the
# client's own exception. Its call_id counts by itself unless params name one. Without a method: params are what a browser brought,
# and the value is what the client's validate makes of them.
import json
import sys

import minifb


def text(value):
    return value.encode("utf-8")


for line in iter(sys.stdin.readline, ""):
    call = json.loads(line)
    params = dict((str(name), text(value)) for name, value in call["params"].items())
    if "method" not in call:
        told = {"value": minifb.validate(text(call["secret"]), params)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        continue
    try:
        told = {"value": minifb.call(text(call["method"]), text(call["api_key"]), text(call["secret"]), **params)}
    except minifb.FacebookError:
        error = sys.exc_info()[1]
        told = {"code": error.error_code, "message": error.error_msg}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
