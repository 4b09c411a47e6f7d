"""Which engine made a number: results are stored and compared under it.

Raise it with every change that can move a result, even in the last bit.
"""

ENGINE_VERSION = "0.5.0"
