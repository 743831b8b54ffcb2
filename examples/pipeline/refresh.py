"""The last step of a data pipeline: has dashboards made anew from what was just loaded."""

import os

import httpx

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
EMBAN_API_KEY = os.environ["EMBAN_API_KEY"]


def refresh_dashboards():
    resp = httpx.post(
        f"{EMBAN_URL}/api/v2/data-app/refresh-cache",
        headers={"Authorization": f"Bearer {EMBAN_API_KEY}"},
        timeout=30.0,
    )
    resp.raise_for_status()


if __name__ == "__main__":
    refresh_dashboards()
    print("dashboards are made anew")
