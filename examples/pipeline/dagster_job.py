from dagster import Definitions, RetryPolicy, job, op

from refresh import refresh


@op(retry_policy=RetryPolicy(max_retries=3, delay=10))
def show_new_numbers():
    refresh()


@job
def usage_events():
    # ... the ops that load your data ...
    show_new_numbers()


definitions = Definitions(jobs=[usage_events])
