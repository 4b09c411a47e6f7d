"""The web edge: Flask, marshmallow and WebSockets. Nobody imports it."""
