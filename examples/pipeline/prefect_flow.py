from prefect import flow, task

from refresh import refresh_dashboards


@task(retries=3, retry_delay_seconds=10)
def refresh():
    refresh_dashboards()


@flow
def daily_analytics():
    # ... the tasks that load your data ...
    refresh()


if __name__ == "__main__":
    daily_analytics()
