import json
import os
from urllib.request import Request, urlopen

from flask import Flask, abort, request

app = Flask(__name__)


@app.route("/api/guest-token", methods=["POST"])
def token():
    if not request.headers.get("Authorization"):
        abort(app.make_response(({"error": "who are you?"}, 401)))
    body = {"clientId": "tenant-42", "dataAppName": os.environ["DATABRAIN_DATA_APP_NAME"]}
    call = Request(
        os.environ["DATABRAIN_API_BASE_URL"] + "/api/v2/guest-token/create", data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + os.environ["DATABRAIN_API_TOKEN"], "Content-Type": "application/json"})
    with urlopen(call, timeout=30) as answer:
        return {"token": json.load(answer)["token"]}
