"""A macro economy out of a seed: what strategies of rates, currencies, inflation and sovereign risk run on offline.

Nothing in it has happened. Its dynamics are those of textbooks, its sizes those of Brazil and the United States since
2010, its publication lags those of life (docs/macro.md). `generate(seed)` makes all of it, `write.write` a dataset.
"""
