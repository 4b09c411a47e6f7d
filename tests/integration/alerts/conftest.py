"""Alerts over a store of each kind."""

from tests.alerts import hook, platform, receiver

__all__ = ["hook", "platform", "receiver"]
