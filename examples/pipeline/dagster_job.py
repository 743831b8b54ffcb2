from dagster import Definitions, RetryPolicy, job, op

from refresh import refresh_dashboards


@op(retry_policy=RetryPolicy(max_retries=3, delay=10))
def refresh():
    refresh_dashboards()


@job
def daily_analytics():
    # ... the ops that load your data ...
    refresh()


definitions = Definitions(jobs=[daily_analytics])
