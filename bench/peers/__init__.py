"""Queuant beside other backtest libraries, in one run on the same bars (`python -m bench.peers`)."""
