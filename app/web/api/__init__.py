"""The routes, one module per tag. A view is its decorators, one call, and what it returns."""
