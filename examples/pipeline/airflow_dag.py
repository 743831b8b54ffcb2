from datetime import datetime

from airflow import DAG
from airflow.operators.python import PythonOperator

from refresh import refresh

with DAG("usage_events", schedule="@hourly", start_date=datetime(2026, 1, 1), catchup=False):
    # ... >> the tasks that load your data >> ...
    PythonOperator(task_id="show_new_numbers", python_callable=refresh, retries=3)
