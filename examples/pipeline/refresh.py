"""The last step of a data pipeline: customers' dashboards are made anew from what was just loaded."""

import argparse
import os

import httpx


def refresh(data_app: str | None = None, customer: str | None = None) -> None:
    """Everything, or only a data app's dashboards, a customer's, or a customer's of a data app."""
    limits = {"dataAppName": data_app, "clientId": customer}
    answer = httpx.post(
        os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/") + "/api/v2/data-app/refresh-cache",
        json={name: value for name, value in limits.items() if value is not None},
        headers={"Authorization": f"Bearer {os.environ['EMBAN_API_KEY']}"},
        timeout=30,
    )
    answer.raise_for_status()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data-app")
    arguments.add_argument("--customer")
    refresh(**vars(arguments.parse_args()))
    print("dashboards are made anew")
