"""Several strategies on one account: how it is split, what the whole did, and who made what of it.

allocation     from a sample of returns to shares: one function for each way
mandate        what a user may set
shares         shares through time, each of what was known by then
joining        bars of several datasets side by side
book           the run: `portfolio`
attribution    whose money each gain was
"""
