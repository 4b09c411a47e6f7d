"""Datasets that macro strategies can trade, composed of others that hold their series."""
