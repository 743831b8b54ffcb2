from prefect import flow, task

from refresh import refresh


@task(retries=3, retry_delay_seconds=10)
def show_new_numbers():
    refresh()


@flow
def usage_events():
    # ... the tasks that load your data ...
    show_new_numbers()


if __name__ == "__main__":
    usage_events()
