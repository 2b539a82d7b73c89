"""How a program that gives orders for somebody says for whom."""

from __future__ import annotations

ON_BEHALF_OF = "winux-on-behalf-of"
"""The header; its value is percent-encoded UTF-8. It is believed: who may connect may do everything anyway."""
