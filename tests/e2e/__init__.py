"""The real daemon process against the real node process over HTTPS on loopback."""
