"""The daily report: what 24 hours brought, out of what is stored.

A section is a function that reads the store and says what it found, or plainly that there was nothing (`parts`);
`daily` has the list of them and makes the report of a day once. `text` writes one for people.
"""
