"""Where the dashboards for Grafana come from: `python -m deploy.grafana.source` writes them as JSON.

Nothing here is needed to use them. The queries are made from the controller's own declarations of its metrics, so that
a metric that was renamed cannot stay behind in a panel.
"""
