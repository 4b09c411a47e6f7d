"""Reports over a store of each kind."""

from tests.alerts import platform

__all__ = ["platform"]
