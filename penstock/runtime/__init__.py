"""Runs Programs: sessions, with the resources that they own.

`session.py` is what users call; `fetches.py` and `feeds.py` turn their arguments into a plan that is kept and reused.
"""
