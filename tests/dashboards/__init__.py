"""The dashboards of ``deploy/grafana`` as they are written: read for the tests, drawn for people to look at."""
