"""Alerts: what asks for attention, found by rules.

kinds      what can be found: from events, or by looking at how things stand
rules      the built-in rules and what owners make of them
watching   one round of a supervisor: raise what is found, resolve what is over
sending    what was raised goes to webhooks
targets    where a webhook may lead
"""
