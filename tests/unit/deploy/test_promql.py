"""Which series a query names, and by which labels it puts them together: what the tests of dashboards rest upon."""

from __future__ import annotations

import pytest

from tests.dashboards.promql import Selector, grouping, selectors
from tests.dashboards.written import filled_in, variables_in

QUERIES: dict[str, tuple[list[Selector], set[str]]] = {
    "up": ([Selector("up", ())], set()),
    'sum by (le, b) (rate(a_bucket{x="1", y=~"p|q"}[5m]))': (
        [Selector("a_bucket", (("x", "=", "1"), ("y", "=~", "p|q")))],
        {"le", "b"},
    ),
    "time() - min (a) > 1e3": ([Selector("a", ())], set()),
    'a{x!="o"} and on (job) b offset 1m': ([Selector("a", (("x", "!=", "o"),)), Selector("b", ())], {"job"}),
    'a or on () label_replace(vector(0), "guard", "none", "", "")': ([Selector("a", ())], set()),
    'a{le=~"30([.]0)?"} * on (job) group_right b': (
        [Selector("a", (("le", "=~", "30([.]0)?"),)), Selector("b", ())],
        {"job"},
    ),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_these_series_and_groups_by_these_labels(query: str) -> None:
    assert (selectors(query), grouping(query)) == QUERIES[query]


def test_each_alternative_is_a_value() -> None:
    (selector,) = selectors('a{x=~"p|q", y!="r"}')
    assert list(selector.values()) == [("x", "p"), ("x", "q"), ("y", "r")]


def test_variables_are_filled_in_as_if_everything_was_chosen() -> None:
    expr = 'rate(a{n=~"$node", d="${x:regex}"}[$__rate_interval]) + increase(b[$__range])'
    assert variables_in(expr) == {"node", "x", "__rate_interval", "__range"}
    assert filled_in(expr, interval="1m", over="6h") == 'rate(a{n=~".*", d=".*"}[1m]) + increase(b[6h])'
