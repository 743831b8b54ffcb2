from datetime import datetime

from airflow import DAG
from airflow.operators.python import PythonOperator

from refresh import refresh_dashboards

with DAG("daily_analytics_refresh", start_date=datetime(2026, 1, 1), schedule="@daily") as dag:
    refresh = PythonOperator(task_id="refresh", python_callable=refresh_dashboards)
