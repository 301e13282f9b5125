"""Final projects: data of a task that nobody describes, to be looked at, understood and trained on."""

TOPIC = "projects"
