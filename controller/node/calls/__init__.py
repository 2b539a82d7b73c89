"""The calls of the API: each is a function of a ``Context``, or a process where it has to wait."""
