import os
from datetime import datetime

import httpx
from airflow import DAG
from airflow.operators.python import PythonOperator


def forget_kept_answers():
    answer = httpx.post(
        "https://api.usedatabrain.com/api/v2/data-app/refresh-cache", timeout=30, json={"dataAppName": "my-app", "clientId": "tenant-42"},
        headers={"Authorization": "Bearer " + os.environ["DATABRAIN_API_TOKEN"]})
    answer.raise_for_status()


with DAG("nightly", start_date=datetime(2026, 1, 1)):
    refresh = PythonOperator(task_id="forget_kept_answers", python_callable=forget_kept_answers)
